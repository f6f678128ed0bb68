package dev.skald.batch;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.skald.batch.LineReader.Line;
import dev.skald.openai.Bodies;
import dev.skald.openai.Defaults;
import dev.skald.openai.Json;
import dev.skald.openai.Task;
import dev.skald.service.InferenceException;
import dev.skald.service.Prompt;
import java.util.List;
import java.util.Optional;

/**
 * Lines to work: OpenAI's batch lines {@code {"custom_id", "method", "url", "body"}}, and plain ones, which are a body with or without a
 * custom_id. Immutable.
 */
final class LineParser {
    private final Defaults defaults;
    private final long seed;
    private final Optional<Journal> deaths;

    /** @param defaults for what a body leaves open, @param seed the job's */
    LineParser(Defaults defaults, long seed) {
        this(defaults, seed, Optional.empty());
    }

    private LineParser(Defaults defaults, long seed, Optional<Journal> deaths) {
        this.defaults = defaults;
        this.seed = seed;
        this.deaths = deaths;
    }

    /** The same, whose items know which runs died with them. */
    LineParser withDeaths(Journal journal) {
        return new LineParser(defaults, seed, Optional.of(journal));
    }

    Parsed parse(Line line) {
        Optional<String> id = Optional.empty();
        try {
            if (line.tooLong()) {
                throw InferenceException.invalid("LINE_TOO_LONG", "", "the line has more than " + LineReader.MAX_LINE_BYTES + " bytes");
            }
            ObjectNode object = Json.object(line.bytes());
            id = CustomIds.of(line.number(), line.bytes());
            boolean envelope = CustomIds.ENVELOPE.stream().anyMatch(object::has);
            checkId(object, envelope);
            String customId = id.orElseThrow();
            Task task = envelope ? enveloped(object) : plain(object);
            if (task instanceof Task.Generation generation) task = generation.withSeed(Seeds.of(seed, customId));
            Item item = new Item(line.number(), customId, task, prefix(task));
            deaths.ifPresent(journal -> {
                item.deaths = journal.deaths(item.line);
                item.deathsAlone = journal.deathsAlone(item.line);
            });
            return new Parsed.Accepted(item);
        } catch (InferenceException e) {
            return new Parsed.Rejected(line.number(), id, e);
        }
    }

    private static void checkId(ObjectNode object, boolean needed) {
        JsonNode id = object.path("custom_id");
        if (id.isMissingNode() || id.isNull()) {
            if (needed) throw InferenceException.invalid("INVALID_PARAMETER", "custom_id", "custom_id is missing");
        } else if (!id.isTextual() || !CustomIds.isValid(id.textValue())) {
            throw InferenceException.invalid(
                    "INVALID_PARAMETER", "custom_id", "custom_id is not a string of 1 to " + CustomIds.MAX_CHARS + " characters");
        }
    }

    private Task enveloped(ObjectNode object) {
        JsonNode method = object.path("method");
        if (!method.isMissingNode() && !method.asText().equals("POST")) {
            throw InferenceException.invalid("INVALID_PARAMETER", "method", "method is not POST");
        }
        if (!object.path("url").isTextual()) throw InferenceException.invalid("UNKNOWN_URL", "url", "url is missing");
        if (!(object.path("body") instanceof ObjectNode body)) throw InferenceException.invalid("INVALID_PARAMETER", "body", "body is not an object");
        for (String key : (Iterable<String>) object::fieldNames) {
            if (!key.equals("custom_id") && !CustomIds.ENVELOPE.contains(key)) {
                throw InferenceException.invalid("UNKNOWN_FIELD", key, "there is no field " + key + " beside custom_id, method, url and body");
            }
        }
        return task(object.get("url").textValue(), body);
    }

    private Task plain(ObjectNode object) {
        object.remove("custom_id");
        if (object.has("messages")) return task(Bodies.CHAT, object);
        if (!object.has("prompt")) {
            throw InferenceException.invalid("INVALID_PARAMETER", "", "the line has neither url and body, nor prompt, nor messages");
        }
        return task(object.has("continuations") ? Bodies.SCORE : Bodies.COMPLETIONS, object);
    }

    private Task task(String url, ObjectNode body) {
        defaults.fill(url, body);
        return Bodies.read(url, body);
    }

    private static String prefix(Task task) {
        return switch (task) {
            case Task.Generation generation -> prefix(generation.prompts().getFirst());
            case Task.Scoring scoring -> prefix(scoring.prompt());
        };
    }

    /** A text that orders prompts as their tokens would. */
    private static String prefix(Prompt prompt) {
        return switch (prompt) {
            case Prompt.Text(String text) -> text;
            case Prompt.TokenIds(List<Integer> ids) -> {
                StringBuilder text = new StringBuilder(ids.size() * 2);
                for (int id : ids) text.append((char) (id >>> 16)).append((char) id);
                yield text.toString();
            }
            case Prompt.Chat chat -> {
                StringBuilder text = new StringBuilder();
                for (Prompt.Message m : chat.messages()) text.append(m.role()).append('\u0001').append(m.content()).append('\u0002');
                yield text.toString();
            }
        };
    }
}
