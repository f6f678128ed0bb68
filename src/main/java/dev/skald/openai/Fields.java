package dev.skald.openai;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.skald.service.InferenceException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;

/**
 * The fields of one JSON object, each taken once and by its type; what nobody took is an error at the end. A null counts as absent, as
 * OpenAI's clients mean it. Errors name the field's whole path.
 */
final class Fields {
    private final ObjectNode object;
    private final String path;
    private final Set<String> known = new HashSet<>();

    /** @param path of the object, "" for a body */
    Fields(ObjectNode object, String path) {
        this.object = object;
        this.path = path;
    }

    static Fields of(JsonNode node, String path) {
        if (node instanceof ObjectNode object) return new Fields(object, path);
        throw wrong(path, "is not an object");
    }

    static InferenceException wrong(String field, String complaint) {
        return InferenceException.invalid("INVALID_PARAMETER", field, field + " " + complaint);
    }

    String path(String name) {
        return path.isEmpty() ? name : path + "." + name;
    }

    Optional<JsonNode> take(String name) {
        known.add(name);
        return Optional.ofNullable(object.get(name)).filter(node -> !node.isNull());
    }

    boolean has(String name) {
        return object.hasNonNull(name);
    }

    Optional<String> string(String name) {
        return take(name).map(node -> {
            if (!node.isTextual()) throw wrong(path(name), "is not a string");
            return node.textValue();
        });
    }

    boolean flag(String name, boolean otherwise) {
        return take(name).map(node -> {
            if (!node.isBoolean()) throw wrong(path(name), "is not true or false");
            return node.booleanValue();
        }).orElse(otherwise);
    }

    OptionalInt integer(String name) {
        Optional<JsonNode> node = take(name);
        return node.isEmpty() ? OptionalInt.empty() : OptionalInt.of(integer(node.get(), path(name)));
    }

    OptionalLong whole(String name) {
        Optional<JsonNode> node = take(name);
        if (node.isEmpty()) return OptionalLong.empty();
        if (!node.get().isIntegralNumber() || !node.get().canConvertToLong()) throw wrong(path(name), "is not a whole number of 64 bits");
        return OptionalLong.of(node.get().longValue());
    }

    Optional<Float> number(String name) {
        return take(name).map(node -> number(node, path(name)));
    }

    List<Integer> integers(String name) {
        Optional<JsonNode> node = take(name);
        return node.isEmpty() ? List.of() : integers(node.get(), path(name));
    }

    static List<Integer> integers(JsonNode node, String path) {
        if (!node.isArray()) throw wrong(path, "is not a list of whole numbers");
        List<Integer> ids = new ArrayList<>(node.size());
        for (int i = 0; i < node.size(); i++) ids.add(integer(node.get(i), path + "[" + i + "]"));
        return ids;
    }

    private static int integer(JsonNode node, String path) {
        if (!node.isIntegralNumber() || !node.canConvertToInt()) throw wrong(path, "is not a whole number");
        return node.intValue();
    }

    static float number(JsonNode node, String path) {
        if (!node.isNumber() || !Float.isFinite(node.floatValue())) throw wrong(path, "is not a number");
        return node.floatValue();
    }

    /** Fields that change nothing here, whatever they hold. */
    void ignore(String... names) {
        known.addAll(List.of(names));
    }

    /** Fields that would change the answer if they were built: absent, null, empty, false or {@code harmless} is accepted. */
    void refuse(String name, String... harmless) {
        Optional<JsonNode> node = take(name);
        if (node.isEmpty()) return;
        JsonNode value = node.get();
        boolean empty = value.isContainerNode() && value.isEmpty() || value.isBoolean() && !value.booleanValue();
        if (empty || value.isValueNode() && List.of(harmless).contains(value.asText())) return;
        throw InferenceException.invalid("NOT_BUILT", path(name), path(name) + ": this release can't do that yet");
    }

    /** @throws InferenceException naming the first field that nobody knows */
    void end() {
        for (Map.Entry<String, JsonNode> entry : object.properties()) {
            if (!known.contains(entry.getKey())) {
                throw InferenceException.invalid("UNKNOWN_FIELD", path(shown(entry.getKey())), "there is no field " + path(shown(entry.getKey())));
            }
        }
    }

    private static String shown(String key) {
        return key.length() <= 100 ? key : key.substring(0, 99) + "…";
    }
}
