package dev.skald.cli;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import dev.skald.service.InferenceEvent.ScoredToken;
import dev.skald.service.InferenceEvent.Timings;
import dev.skald.service.InferenceEvent.TopToken;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** The JSON line of a choice: stable, scripts read it. */
final class AnswerJson {
    private AnswerJson() {}

    /**
     * @param logprobs   whether they were asked for: otherwise the key's value is null
     * @param loadNanos  what it took to load the model; 0 for a server's
     */
    static String line(Answer answer, int index, boolean logprobs, long loadNanos) {
        StringWriter text = new StringWriter();
        try (JsonGenerator json = new JsonFactory().createGenerator(text)) {
            Answer.Choice choice = answer.choices().get(index);
            json.writeStartObject();
            json.writeNumberField("index", index);
            json.writeStringField("text", choice.text.toString());
            json.writeArrayFieldStart("token_ids");
            for (int id : choice.ids) json.writeNumber(id);
            json.writeEndArray();
            json.writeStringField("finish_reason", choice.reason.orElseThrow().name().toLowerCase(Locale.ROOT));
            json.writeFieldName("logprobs");
            if (logprobs) scored(json, choice.logprobs, false);
            else json.writeNull();
            json.writeFieldName("prompt_logprobs");
            promptLogprobs(json, answer.promptLogprobs());
            json.writeObjectFieldStart("usage");
            json.writeNumberField("prompt_tokens", answer.usage().promptTokens());
            json.writeNumberField("completion_tokens", choice.ids.size());
            json.writeNumberField("cached_tokens", answer.usage().cachedTokens());
            json.writeEndObject();
            timings(json, answer.timings(), loadNanos);
            json.writeEndObject();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return text.toString();
    }

    private static void promptLogprobs(JsonGenerator json, Optional<List<ScoredToken>> tokens) throws IOException {
        if (tokens.isPresent()) scored(json, tokens.get(), true);
        else json.writeNull();
    }

    private static void scored(JsonGenerator json, List<ScoredToken> tokens, boolean afterFirst) throws IOException {
        json.writeStartArray();
        if (afterFirst) json.writeNull();
        for (ScoredToken token : tokens) {
            json.writeStartObject();
            json.writeNumberField("id", token.id());
            json.writeNumberField("logprob", token.logprob());
            json.writeArrayFieldStart("top");
            for (TopToken top : token.top()) {
                json.writeStartArray();
                json.writeNumber(top.id());
                json.writeNumber(top.logprob());
                json.writeEndArray();
            }
            json.writeEndArray();
            json.writeEndObject();
        }
        json.writeEndArray();
    }

    private static void timings(JsonGenerator json, Timings t, long loadNanos) throws IOException {
        json.writeObjectFieldStart("timings");
        seconds(json, "load_s", Duration.ofNanos(loadNanos));
        seconds(json, "queue_s", t.queue());
        seconds(json, "prefill_s", t.prefill());
        seconds(json, "decode_s", t.decode());
        json.writeEndObject();
    }

    private static void seconds(JsonGenerator json, String name, Duration d) throws IOException {
        json.writeFieldName(name);
        json.writeNumber(String.format(Locale.ROOT, "%.6f", d.toNanos() / 1e9));
    }
}
