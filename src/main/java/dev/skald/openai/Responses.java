package dev.skald.openai;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.skald.openai.Answer.Choice;
import dev.skald.schedule.FinishReason;
import dev.skald.service.InferenceEvent.ScoredToken;
import dev.skald.service.InferenceEvent.TopToken;
import dev.skald.service.InferenceEvent.Usage;
import dev.skald.service.ScoreEvent;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;

/** Answers as OpenAI's bodies. Pure. */
public final class Responses {
    /** What stands for a log-probability of −∞, which JSON can't hold; OpenAI's own number for it. */
    static final double IMPOSSIBLE = -9999.0;

    private Responses() {}

    /**
     * @param id        ends the body's id, after "chatcmpl-" or "cmpl-"
     * @param created   seconds since 1970
     * @param answers   one per prompt, in order, complete
     */
    public static void write(JsonGenerator json, Task.Generation task, String id, long created, List<Answer> answers) throws IOException {
        boolean chat = task.shape() == Task.Shape.CHAT;
        head(json, (chat ? "chatcmpl-" : "cmpl-") + id, chat ? "chat.completion" : "text_completion", created, answers.getFirst().model);
        json.writeArrayFieldStart("choices");
        int index = 0;
        for (Answer answer : answers) {
            for (Choice choice : answer.choices) choice(json, task, index++, choice);
        }
        json.writeEndArray();
        usage(json, total(answers));
        tail(json, answers.getFirst().fingerprint);
    }

    /** Our own {@code score_continuations}. */
    public static void write(JsonGenerator json, String id, long created, ScoreEvent.Scored scored) throws IOException {
        head(json, "score-" + id, "score_continuations", created, scored.model());
        json.writeArrayFieldStart("scores");
        int index = 0;
        for (ScoreEvent.Score score : scored.scores()) {
            json.writeStartObject();
            json.writeNumberField("index", index++);
            json.writeFieldName("sum_logprob");
            logprob(json, score.sumLogprob());
            json.writeNumberField("probability", score.probability());
            json.writeArrayFieldStart("tokens");
            for (ScoredToken token : score.tokens()) {
                json.writeStartObject();
                json.writeNumberField("id", token.id());
                token(json, token.bytes(), token.logprob());
                json.writeEndObject();
            }
            json.writeEndArray();
            json.writeEndObject();
        }
        json.writeEndArray();
        usage(json, scored.usage());
        tail(json, scored.fingerprint());
    }

    private static void head(JsonGenerator json, String id, String object, long created, String model) throws IOException {
        json.writeStartObject();
        json.writeStringField("id", id);
        json.writeStringField("object", object);
        json.writeNumberField("created", created);
        json.writeStringField("model", model);
    }

    private static void tail(JsonGenerator json, String fingerprint) throws IOException {
        json.writeStringField("system_fingerprint", fingerprint);
        json.writeEndObject();
    }

    private static void choice(JsonGenerator json, Task.Generation task, int index, Choice choice) throws IOException {
        json.writeStartObject();
        json.writeNumberField("index", index);
        boolean chat = task.shape() == Task.Shape.CHAT;
        if (chat) {
            json.writeObjectFieldStart("message");
            json.writeStringField("role", "assistant");
            json.writeStringField("content", choice.text.toString());
            json.writeNullField("refusal");
            json.writeEndObject();
        } else {
            json.writeStringField("text", choice.text.toString());
        }
        json.writeFieldName("logprobs");
        if (task.output().topLogprobs() < 0) json.writeNull();
        else if (chat) chatLogprobs(json, choice.logprobs);
        else completionLogprobs(json, choice.logprobs, task.output().topLogprobs());
        json.writeStringField("finish_reason", reason(choice.reason.orElseThrow()));
        if (task.tokenIds()) {
            json.writeArrayFieldStart("token_ids");
            for (int id : choice.ids) json.writeNumber(id);
            json.writeEndArray();
        }
        json.writeEndObject();
    }

    static String reason(FinishReason reason) {
        return switch (reason) {
            case EOS, STOP -> "stop";
            case LENGTH, CONTEXT -> "length";
        };
    }

    private static void chatLogprobs(JsonGenerator json, List<ScoredToken> tokens) throws IOException {
        json.writeStartObject();
        json.writeArrayFieldStart("content");
        for (ScoredToken token : tokens) {
            json.writeStartObject();
            token(json, token.bytes(), token.logprob());
            json.writeArrayFieldStart("top_logprobs");
            for (TopToken top : token.top()) {
                json.writeStartObject();
                token(json, top.bytes(), top.logprob());
                json.writeEndObject();
            }
            json.writeEndArray();
            json.writeEndObject();
        }
        json.writeEndArray();
        json.writeEndObject();
    }

    private static void token(JsonGenerator json, byte[] bytes, float logprob) throws IOException {
        json.writeStringField("token", text(bytes));
        json.writeFieldName("logprob");
        logprob(json, logprob);
        json.writeArrayFieldStart("bytes");
        for (byte b : bytes) json.writeNumber(b & 0xff);
        json.writeEndArray();
    }

    private static void completionLogprobs(JsonGenerator json, List<ScoredToken> tokens, int top) throws IOException {
        json.writeStartObject();
        json.writeArrayFieldStart("tokens");
        for (ScoredToken token : tokens) json.writeString(text(token.bytes()));
        json.writeEndArray();
        json.writeArrayFieldStart("token_logprobs");
        for (ScoredToken token : tokens) logprob(json, token.logprob());
        json.writeEndArray();
        if (top == 0) {
            json.writeNullField("top_logprobs");
        } else {
            json.writeArrayFieldStart("top_logprobs");
            for (ScoredToken token : tokens) tops(json, token);
            json.writeEndArray();
        }
        json.writeArrayFieldStart("text_offset");
        int offset = 0;
        for (ScoredToken token : tokens) {
            json.writeNumber(offset);
            String text = text(token.bytes());
            offset += text.codePointCount(0, text.length());
        }
        json.writeEndArray();
        json.writeEndObject();
    }

    /** An object can't hold a key twice, and two tokens may have one text: the likelier one keeps it. */
    private static void tops(JsonGenerator json, ScoredToken token) throws IOException {
        java.util.Set<String> written = new java.util.HashSet<>();
        json.writeStartObject();
        for (TopToken top : token.top()) {
            String text = text(top.bytes());
            if (!written.add(text)) continue;
            json.writeFieldName(text);
            logprob(json, top.logprob());
        }
        json.writeEndObject();
    }

    private static void logprob(JsonGenerator json, float value) throws IOException {
        if (Float.isFinite(value)) json.writeNumber(value);
        else json.writeNumber(IMPOSSIBLE);
    }

    private static void logprob(JsonGenerator json, double value) throws IOException {
        json.writeNumber(Double.isFinite(value) ? value : IMPOSSIBLE);
    }

    /** A token's text; the bytes by number where they are no whole characters. */
    static String text(byte[] bytes) {
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
        } catch (CharacterCodingException e) {
            StringBuilder text = new StringBuilder("bytes:");
            for (byte b : bytes) text.append(String.format(Locale.ROOT, "\\x%02x", b & 0xff));
            return text.toString();
        }
    }

    private static Usage total(List<Answer> answers) {
        int prompt = 0;
        int completion = 0;
        int cached = 0;
        for (Answer answer : answers) {
            prompt += answer.usage.promptTokens();
            completion += answer.usage.completionTokens();
            cached += answer.usage.cachedTokens();
        }
        return new Usage(prompt, completion, cached);
    }

    private static void usage(JsonGenerator json, Usage usage) throws IOException {
        json.writeObjectFieldStart("usage");
        json.writeNumberField("prompt_tokens", usage.promptTokens());
        json.writeNumberField("completion_tokens", usage.completionTokens());
        json.writeNumberField("total_tokens", usage.promptTokens() + usage.completionTokens());
        json.writeObjectFieldStart("prompt_tokens_details");
        json.writeNumberField("cached_tokens", usage.cachedTokens());
        json.writeEndObject();
        json.writeEndObject();
    }
}
