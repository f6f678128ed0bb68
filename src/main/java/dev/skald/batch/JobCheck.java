package dev.skald.batch;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.skald.openai.Json;
import java.security.SecureRandom;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** What a job is, as its journal's header says it, and whether a command is still for the same one. Pure. */
final class JobCheck {
    private JobCheck() {}

    /** Of a new job; its model is not known yet. */
    static ObjectNode header(InputFacts input, BatchPlan plan) {
        byte[] name = new byte[4];
        new SecureRandom().nextBytes(name);
        ObjectNode header = Json.newObject();
        header.put("skald_batch", Journal.FORMAT);
        header.put("job", HexFormat.of().formatHex(name));
        header.put("created", Instant.now().toString());
        header.putObject("input").put("sha256", input.sha256()).put("bytes", input.bytes()).put("lines", input.index().lastLine());
        header.set("flags", flags(plan));
        return header;
    }

    /** Those that decide which lines are answered, and how. */
    private static ObjectNode flags(BatchPlan plan) {
        ObjectNode flags = Json.newObject();
        flags.put("shard", plan.shard().toString());
        flags.put("seed", plan.seed());
        plan.defaults().fields().properties().forEach(field -> flags.set(field.getKey(), field.getValue()));
        return flags;
    }

    /** @return what has changed, in words */
    static List<String> changes(ObjectNode was, ObjectNode is) {
        List<String> changes = new ArrayList<>();
        if (!was.at("/input/sha256").equals(is.at("/input/sha256"))) {
            changes.add("the input changed: " + was.at("/input/lines") + " lines, sha256 " + start(was) + "…, became " + is.at("/input/lines") + " lines, "
                    + start(is) + "…");
        }
        Set<String> names = new LinkedHashSet<>();
        was.path("flags").fieldNames().forEachRemaining(names::add);
        is.path("flags").fieldNames().forEachRemaining(names::add);
        for (String name : names) {
            JsonNode before = was.path("flags").path(name);
            JsonNode now = is.path("flags").path(name);
            // Compared as text: a number that was read is of another class than the one that was written.
            if (!before.toString().equals(now.toString())) {
                changes.add("--" + name.replace('_', '-') + " was " + shown(before) + " and is now " + shown(now));
            }
        }
        return changes;
    }

    private static String start(ObjectNode header) {
        String hash = header.at("/input/sha256").asText();
        return hash.substring(0, Math.min(12, hash.length()));
    }

    private static String shown(JsonNode value) {
        return value.isMissingNode() ? "unset" : value.toString();
    }

    static Optional<ModelFacts> model(ObjectNode header) {
        return header.path("model") instanceof ObjectNode model ? Optional.of(ModelFacts.of(model)) : Optional.empty();
    }

    static BatchException refused(List<String> changes) {
        return new BatchException(BatchException.Kind.REFUSED, "this is not the job that the output was begun with: " + String.join("; ", changes)
                + "; --force keeps what is written and goes on as asked now");
    }
}
