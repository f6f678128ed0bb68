package dev.skald.openai;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Map;
import com.fasterxml.jackson.databind.JsonNode;

/**
 * What a body gets where it says nothing. Fields by the names of a completion's body; {@code logprobs} is a number and becomes a chat's pair
 * of fields. Immutable.
 */
public final class Defaults {
    public static final Defaults NONE = new Defaults(Json.newObject());

    private final ObjectNode fields;

    /** @param fields of a completion, without its prompt; copied */
    public Defaults(ObjectNode fields) {
        this.fields = fields.deepCopy();
    }

    /** As JSON, keys in the order given. */
    public ObjectNode fields() {
        return fields.deepCopy();
    }

    /** Fills in what {@code body} lacks; changes it. */
    public void fill(String url, ObjectNode body) {
        if (url.equals(Bodies.SCORE)) return;
        boolean chat = url.equals(Bodies.CHAT);
        for (Map.Entry<String, JsonNode> field : fields.properties()) {
            String name = field.getKey();
            if (body.hasNonNull(name)) continue;
            if (name.equals("max_tokens") && body.hasNonNull("max_completion_tokens")) continue;
            if (chat && name.equals("logprobs")) {
                body.put("logprobs", true);
                if (!body.hasNonNull("top_logprobs")) body.set("top_logprobs", field.getValue());
            } else {
                body.set(name, field.getValue());
            }
        }
    }
}
