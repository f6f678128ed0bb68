package dev.skald.batch;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.skald.openai.Json;
import dev.skald.service.Inference;
import dev.skald.service.InferenceException;
import dev.skald.service.ModelInfo;
import dev.skald.service.Prompt;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What of a model decides its answers, so that a job can tell whether it goes on with the same one.
 *
 * @param name        as answers carry it
 * @param fingerprint of weights and numerics
 * @param context     tokens: how long answers can become
 * @param defaults    sampling where a body leaves it open
 * @param template    hash of a short conversation as it renders it; "" without one
 */
public record ModelFacts(String name, String fingerprint, int context, String defaults, String template) {
    private static final Prompt.Chat PROBE = new Prompt.Chat(
            List.of(Prompt.Message.of("user", "a"), Prompt.Message.of("assistant", "b"), Prompt.Message.of("user", "c")), List.of(), Map.of(), false);

    /** @throws InferenceException if a daemon can't be asked */
    static ModelFacts of(Inference inference) {
        ModelInfo model = inference.model();
        return new ModelFacts(model.name(), model.fingerprint(), model.contextLength(), model.defaults().toString(), model.hasTemplate() ? probe(inference) : "");
    }

    private static String probe(Inference inference) {
        try {
            byte[] rendered = inference.applyTemplate(PROBE).getBytes(StandardCharsets.UTF_8);
            return HexFormat.of().formatHex(IdHash.sha256().digest(rendered), 0, 8);
        } catch (InferenceException e) {
            // A template may refuse these messages; then its refusal is what tells it from others.
            if (e.kind() == InferenceException.Kind.INVALID_ARGUMENT) return "refuses";
            throw e;
        }
    }

    static ModelFacts of(ObjectNode json) {
        return new ModelFacts(
                json.path("name").asText(), json.path("fingerprint").asText(), json.path("context").asInt(), json.path("defaults").asText(),
                json.path("template").asText());
    }

    ObjectNode json() {
        return Json.newObject().put("name", name).put("fingerprint", fingerprint).put("context", context).put("defaults", defaults)
                .put("template", template);
    }

    /** @return how {@code other} differs, in words; empty if it gives the same answers */
    Optional<String> difference(ModelFacts other) {
        if (!name.equals(other.name)) return Optional.of("model \"" + name + "\" became \"" + other.name + "\"");
        if (!fingerprint.equals(other.fingerprint)) return Optional.of("fingerprint " + fingerprint + " became " + other.fingerprint);
        if (context != other.context) return Optional.of("a context of " + context + " tokens became " + other.context);
        if (!defaults.equals(other.defaults)) return Optional.of("the model's sampling defaults changed");
        if (!template.equals(other.template)) return Optional.of("the chat template changed");
        return Optional.empty();
    }
}
