package dev.skald.batch;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.skald.openai.Answer;
import dev.skald.openai.Errors;
import dev.skald.openai.Json;
import dev.skald.openai.Responses;
import dev.skald.openai.Task;
import dev.skald.service.InferenceException;
import dev.skald.service.ScoreEvent;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** Records of the output and of the error file, as OpenAI's batches have them: UTF-8 and a line feed. Pure. */
final class Records {
    private Records() {}

    private interface Body {
        void write(JsonGenerator json) throws IOException;
    }

    /** @param requestId on the server that answered */
    static byte[] answer(String customId, String requestId, long created, Task.Generation task, List<Answer> answers) {
        return answered(customId, requestId, json -> Responses.write(json, task, id(customId), created, answers));
    }

    static byte[] answer(String customId, String requestId, long created, ScoreEvent.Scored scored) {
        return answered(customId, requestId, json -> Responses.write(json, id(customId), created, scored));
    }

    private static byte[] answered(String customId, String requestId, Body body) {
        ByteArrayOutputStream out = new ByteArrayOutputStream(512);
        try (JsonGenerator json = Json.FACTORY.createGenerator(out)) {
            json.writeStartObject();
            json.writeStringField("id", "batch_req_" + id(customId));
            json.writeStringField("custom_id", customId);
            json.writeObjectFieldStart("response");
            json.writeNumberField("status_code", 200);
            json.writeStringField("request_id", requestId);
            json.writeFieldName("body");
            body.write(json);
            json.writeEndObject();
            json.writeNullField("error");
            json.writeEndObject();
            json.writeRaw('\n');
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return out.toByteArray();
    }

    private static String id(String customId) {
        return IdHash.of(customId).hex24();
    }

    /** @param requestId empty where no server has seen it */
    static byte[] error(int line, Optional<String> customId, Optional<String> requestId, InferenceException cause) {
        ObjectNode record = Json.newObject();
        record.put("id", "batch_req_" + id(customId.orElse("line " + line)));
        if (customId.isPresent()) record.put("custom_id", customId.get());
        else record.putNull("custom_id");
        record.put("line", line);
        if (requestId.isPresent()) {
            ObjectNode response = record.putObject("response");
            response.put("status_code", Errors.status(cause.kind()));
            response.put("request_id", requestId.get());
            response.set("body", Errors.body(new InferenceException(
                    cause.kind(), cause.reason(), writable(cause.field()), writable(cause.getMessage()), cause.retryAfter())));
        } else {
            record.putNull("response");
        }
        ObjectNode error = record.putObject("error");
        error.put("code", cause.reason().toLowerCase(Locale.ROOT));
        error.put("message", writable(cause.getMessage()));
        if (cause.field().isEmpty()) error.putNull("param");
        else error.put("param", writable(cause.field()));
        byte[] json = Json.bytes(record);
        byte[] withEnd = java.util.Arrays.copyOf(json, json.length + 1);
        withEnd[json.length] = '\n';
        return withEnd;
    }

    /** A message may quote half a surrogate pair, which UTF-8 can't hold. */
    private static String writable(String text) {
        return new String(text.getBytes(StandardCharsets.UTF_8), StandardCharsets.UTF_8);
    }
}
