package dev.skald.boot;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.skald.model.DecoderSpec;
import dev.skald.model.ModelConfig;
import dev.skald.model.ModelException;
import dev.skald.model.family.Families;
import dev.skald.text.ChatInput;
import dev.skald.text.Tokenizer;
import dev.skald.text.TokenizerException;
import dev.skald.weights.CheckpointException;
import dev.skald.weights.GgufBytes;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** One file says all that a model folder says. */
class GgufSourceTest {
    @TempDir
    Path folder;

    private Path file() {
        return folder.resolve("tiny.gguf");
    }

    @Test
    void anEngineStartsFromIt() {
        TinyGguf.write(file(), 1);
        try (LocalEngine engine = LocalEngine.start(EngineOptions.of(file()))) {
            assertEquals("tiny", engine.report().model().name());
            assertEquals("llama", engine.report().model().family());
            assertEquals("f32", engine.report().weightDtype());
            assertTrue(engine.report().model().hasTemplate());
            assertEquals(TinyGguf.CONTEXT, engine.report().model().contextLength());
        }
    }

    @Test
    void configurationTokenizerAndTemplateComeFromTheOneFile() {
        TinyGguf.write(file(), 1);
        try (ModelSource source = ModelSource.open(file())) {
            ModelConfig config = source.config();
            DecoderSpec spec = Families.spec(config);
            assertEquals(List.of(2, 32, 4, 2, 8, 64, TinyGguf.vocabularySize()), List.of(
                    spec.layers(), spec.hidden(), spec.heads(), spec.kvHeads(), spec.headDim(), spec.intermediate(), spec.vocabulary()));
            assertTrue(spec.tiedHead());
            // the one that is named, and the one that ends a turn
            assertEquals(List.of(0, 2), config.endIds(spec.vocabulary()));
            assertEquals(1, config.samplingDefaults().temperature());
            assertEquals(Map.of("bos_token", "<|begin|>", "eos_token", "<|begin|>"), source.specialTokens());
            Tokenizer tokenizer = source.tokenizer();
            String prompt = source.chatTemplate().orElseThrow()
                    .render(new ChatInput(List.of(Map.of("role", "user", "content", "hi")), List.of(), Map.of(), true, false)).text();
            assertEquals("<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n", prompt);
            assertEquals(prompt, tokenizer.decode(tokenizer.encode(prompt, true), false));
        }
    }

    @Test
    void recommendedSamplingIsTheDefault() {
        GgufBytes bytes = TinyGguf.keys().float32("general.sampling.temp", 0.25f).int32("general.sampling.top_k", 7).float32("general.sampling.top_p", 0.5f);
        TinyGguf.vocabulary(bytes);
        TinyGguf.weights(bytes, TinyGguf.vocabularySize(), 1).write(file());
        try (ModelSource source = ModelSource.open(file())) {
            assertEquals(0.25f, source.config().samplingDefaults().temperature());
            assertEquals(7, source.config().samplingDefaults().topK());
            assertEquals(0.5f, source.config().samplingDefaults().topP());
        }
    }

    @Test
    void aVocabularyThatCantBeUsedIsNamed() {
        assertVocabulary(TinyGguf.keys(), "has no vocabulary");
        assertVocabulary(bpe("gpt2").string("tokenizer.ggml.pre", "klingon-bpe"), "pre-tokenizer klingon-bpe, which is unknown; known are", "smollm");
        assertVocabulary(bpe("gpt2"), "doesn't say how its text is split");
        assertVocabulary(bpe("bert").string("tokenizer.ggml.pre", "smollm"), "of the kind bert, which is unknown");
        assertVocabulary(bpe("llama"), "3 tokens and 0 scores");
        assertVocabulary(bpe("gpt2").string("tokenizer.ggml.pre", "smollm").integers("tokenizer.ggml.token_type", 1, 1), "types or scores");
        assertVocabulary(bpe("gpt2").string("tokenizer.ggml.pre", "smollm").integers("tokenizer.ggml.token_type", 1, 9, 1), "unknown type 9");
        assertVocabulary(bpe("gpt2").string("tokenizer.ggml.pre", "smollm").strings("tokenizer.ggml.merges", List.of("ab")), "no two parts");
        assertVocabulary(bpe("gpt2").string("tokenizer.ggml.pre", "smollm").strings("tokenizer.ggml.merges", List.of("b c")), "is no tokenizer");
        assertVocabulary(TinyGguf.keys().string("tokenizer.ggml.model", "gpt2").string("tokenizer.ggml.pre", "smollm"), "has no vocabulary");
        bpe("gpt2").integers("tokenizer.ggml.pre", 1).write(file());
        try (ModelSource source = ModelSource.open(file())) {
            assertTrue(assertThrows(CheckpointException.class, source::tokenizer).getMessage().contains("tokenizer.ggml.pre, expected a string"));
        }
    }

    private static GgufBytes bpe(String model) {
        return TinyGguf.keys().string("tokenizer.ggml.model", model).strings("tokenizer.ggml.tokens", List.of("a", "b", "ab"));
    }

    private void assertVocabulary(GgufBytes bytes, String... parts) {
        bytes.write(file());
        try (ModelSource source = ModelSource.open(file())) {
            TokenizerException e = assertThrows(TokenizerException.class, source::tokenizer);
            assertTrue(e.getMessage().contains(file().toString()), e.getMessage());
            for (String part : parts) assertTrue(e.getMessage().contains(part), () -> "no \"" + part + "\" in: " + e.getMessage());
        }
    }

    @Test
    void anArchitectureThatIsntKnownIsNamed() {
        GgufBytes bytes = new GgufBytes().string("general.architecture", "mamba").string("tokenizer.ggml.model", "gpt2");
        TinyGguf.vocabulary(new GgufBytes());
        bytes.string("tokenizer.ggml.pre", "smollm").strings("tokenizer.ggml.tokens", List.of("a")).write(file());
        try (ModelSource source = ModelSource.open(file())) {
            String message = assertThrows(ModelException.class, source::config).getMessage();
            assertTrue(message.contains(file() + " is of the GGUF architecture mamba, which is unknown; known are llama"), message);
        }
    }
}
