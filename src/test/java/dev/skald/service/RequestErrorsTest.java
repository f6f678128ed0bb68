package dev.skald.service;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.skald.sampling.SamplingParams;
import dev.skald.service.InferenceException.Kind;
import dev.skald.service.InferenceRequest.Output;
import dev.skald.service.InferenceRequest.Stopping;
import dev.skald.text.Tokenizer;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What a wrong request is told: kind, reason, field, and a sentence with numbers in it; and that it never reaches the engine. */
class RequestErrorsTest {
    private static final ModelInfo MODEL =
            new ModelInfo("tiny", "llama", 1, "f32", 10, 505, SamplingParams.GREEDY, false, "print");

    private final ScriptedEngine engine = new ScriptedEngine();
    private final LocalInference inference =
            new LocalInference(MODEL, tokenizer(), Optional.empty(), List.of(), 8, engine, new TextWorkers(1));

    private static Tokenizer tokenizer() {
        try {
            return Tokenizer.load(Path.of(RequestErrorsTest.class.getResource("/golden/tokenizers/bytelevel").toURI()));
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    @AfterEach
    void close() {
        inference.close();
    }

    private void refused(Requested requested, Kind kind, String reason, String field, String sentence) throws InterruptedException {
        Heard heard = new Heard();
        inference.start(requested.request(), heard);
        InferenceException failure = heard.failure();
        assertEquals(1, heard.all().size(), "a refusal is all that comes");
        assertEquals(sentence, failure.getMessage());
        assertEquals(kind, failure.kind());
        assertEquals(reason, failure.reason());
        assertEquals(field, failure.field());
        assertTrue(engine.isEmpty());
        assertEquals(0, inference.running());
    }

    @Test
    void anUnknownModel() throws InterruptedException {
        refused(Requested.text("x").model("huge"), Kind.NOT_FOUND, "MODEL_NOT_FOUND", "options.model",
                "there is no model \"huge\" here; this server has \"tiny\"");
    }

    @Test
    void anEmptyPrompt() throws InterruptedException {
        refused(Requested.text(""), Kind.INVALID_ARGUMENT, "EMPTY_PROMPT", "text", "the prompt is empty");
        refused(Requested.text("").prompt(new Prompt.TokenIds(List.of())), Kind.INVALID_ARGUMENT, "EMPTY_PROMPT", "token_ids",
                "the prompt is empty: token_ids has no ids");
        refused(Requested.text("").prompt(new Prompt.Chat(List.of(), List.of(), Map.of(), false)), Kind.INVALID_ARGUMENT, "EMPTY_PROMPT",
                "messages", "there are no messages to answer");
    }

    @Test
    void aPromptThatFillsTheContext() throws InterruptedException {
        refused(Requested.text("").prompt(new Prompt.TokenIds(Collections.nCopies(10, 7))), Kind.INVALID_ARGUMENT, "PROMPT_TOO_LONG",
                "prompt", "the prompt has 10 tokens; with a context of 10 it may have at most 9");
        inference.start(Requested.text("").prompt(new Prompt.TokenIds(Collections.nCopies(9, 7))).request(), new Heard());
        assertEquals(9, engine.next().request.prompt().length);
    }

    @Test
    void idsOutsideTheVocabulary() throws InterruptedException {
        refused(Requested.text("").prompt(new Prompt.TokenIds(List.of(1, 504, 505))), Kind.INVALID_ARGUMENT, "TOKEN_OUT_OF_VOCABULARY",
                "token_ids.ids[2]", "token_ids[2] is 505; the vocabulary has the ids 0 to 504");
        refused(Requested.text("x").stopping(new Stopping(OptionalInt.empty(), 0, List.of(), List.of(3, -1), false, false)),
                Kind.INVALID_ARGUMENT, "TOKEN_OUT_OF_VOCABULARY", "stopping.stop_token_ids[1]",
                "stop_token_ids[1] is -1; the vocabulary has the ids 0 to 504");
        refused(Requested.text("x").sampling(with(Map.of(999, 1f), List.of(), List.of(), Optional.empty())),
                Kind.INVALID_ARGUMENT, "TOKEN_OUT_OF_VOCABULARY", "sampling.logit_bias[999]",
                "a key of logit_bias is 999; the vocabulary has the ids 0 to 504");
        refused(Requested.text("x").sampling(with(Map.of(), List.of(600), List.of(), Optional.empty())),
                Kind.INVALID_ARGUMENT, "TOKEN_OUT_OF_VOCABULARY", "sampling.allowed_ids[0]",
                "allowed_ids[0] is 600; the vocabulary has the ids 0 to 504");
        refused(Requested.text("x").sampling(with(Map.of(), List.of(), List.of(List.of(1), List.of(2, 700)), Optional.empty())),
                Kind.INVALID_ARGUMENT, "TOKEN_OUT_OF_VOCABULARY", "sampling.banned_sequences[1].ids[1]",
                "banned_sequences[1][1] is 700; the vocabulary has the ids 0 to 504");
    }

    @Test
    void parametersOutsideTheirRange() throws InterruptedException {
        refused(Requested.text("x").sampling(with(Map.of(), List.of(), List.of(), Optional.of(Float.NaN))), Kind.INVALID_ARGUMENT,
                "INVALID_PARAMETER", "sampling.temperature", "temperature NaN is outside [0.0, 100.0]");
        refused(Requested.text("x").n(9), Kind.INVALID_ARGUMENT, "INVALID_PARAMETER", "sampling.n",
                "n 9 is more than the 8 sequences that run at once");
        refused(Requested.text("x").stopping(new Stopping(OptionalInt.of(0), 0, List.of(), List.of(), false, false)), Kind.INVALID_ARGUMENT,
                "INVALID_PARAMETER", "stopping.max_tokens", "max_tokens 0 leaves nothing to do unless prompt_logprobs are asked for");
        refused(Requested.text("x").output(new Output(-1, 0, 4, true)), Kind.INVALID_ARGUMENT, "INVALID_PARAMETER",
                "output.prompt_logprobs.from", "prompt_logprobs.from 4 is past the prompt's 1 tokens");
    }

    @Test
    void aChatWithAModelThatHasNoTemplate() throws InterruptedException {
        refused(Requested.text("").prompt(new Prompt.Chat(List.of(Prompt.Message.of("user", "hi")), List.of(), Map.of(), false)),
                Kind.INVALID_ARGUMENT, "NO_CHAT_TEMPLATE", "messages",
                "this model has no chat template; continue a text instead, or start the server with one");
    }

    @Test
    void idsToDetokenize() {
        InferenceException e = assertThrows(InferenceException.class, () -> inference.detokenize(List.of(5, 505), true));
        assertEquals("token_ids[1] is 505; the vocabulary has the ids 0 to 504", e.getMessage());
        assertEquals("token_ids[1]", e.field());
    }

    private static SamplingOptions with(
            Map<Integer, Float> bias, List<Integer> allowed, List<List<Integer>> banned, Optional<Float> temperature) {
        return new SamplingOptions(
                temperature, OptionalInt.empty(), Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty(),
                Optional.empty(), bias, allowed, banned, OptionalLong.empty(), 1);
    }
}
