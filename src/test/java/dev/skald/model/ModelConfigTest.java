package dev.skald.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.skald.model.family.Families;
import dev.skald.sampling.SamplingParams;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ModelConfigTest {
    private static final String LLAMA =
            """
            {"architectures": ["LlamaForCausalLM"], "vocab_size": 100, "hidden_size": 32, "intermediate_size": 64,
             "num_hidden_layers": 3, "num_attention_heads": 4, "rms_norm_eps": 1e-5%s}""";

    @TempDir
    Path folder;

    private static DecoderSpec spec(String more) {
        return Families.spec(config(LLAMA.formatted(more), Optional.empty()));
    }

    private static ModelConfig config(String config, Optional<String> generation) {
        return new ModelConfig(
                ConfigObject.parse("config.json", config), generation.map(g -> ConfigObject.parse("generation_config.json", g)));
    }

    @Test
    void whatALlamaConfigurationLeavesOutHasTheFamilysDefault() {
        DecoderSpec spec = spec("");
        assertEquals(4, spec.kvHeads());
        assertEquals(8, spec.headDim());
        assertEquals(2048, spec.maxPositions());
        assertEquals(new Rope(10_000, new Rope.Default()), spec.rope());
        assertEquals(1e-5f, spec.normEps());
        assertEquals(List.of(false, false, false, false), List.of(spec.qkvBias(), spec.outputBias(), spec.mlpBias(), spec.tiedHead()));
        assertEquals(100 * 32 * 2 + 3 * (4 * 32 * 32 + 3 * 32 * 64 + 2 * 32) + 32, spec.parameters());
    }

    @Test
    void whatItSaysIsTaken() {
        DecoderSpec spec = spec(
                """
                , "num_key_value_heads": 2, "head_dim": 16, "attention_bias": true, "mlp_bias": true, "tie_word_embeddings": true,
                "max_position_embeddings": 4096.0, "rope_theta": 500000, "rope_scaling": null""");
        assertEquals(2, spec.kvHeads());
        assertEquals(16, spec.headDim());
        assertEquals(4096, spec.maxPositions());
        assertEquals(500_000, spec.rope().theta());
        assertEquals(List.of(true, true, true, true), List.of(spec.qkvBias(), spec.outputBias(), spec.mlpBias(), spec.tiedHead()));
        assertEquals(0.25f, spec.attention().scale());
        assertEquals((4 + 2 * 2) * 16, spec.attention().qkvCols());
    }

    @ParameterizedTest
    @CsvSource(quoteCharacter = '`', delimiter = '|', value = {
        "\"rope_scaling\": {\"type\": \"linear\", \"factor\": 4.0} | Rope[theta=10000.0, scaling=Linear[factor=4.0]]",
        "\"rope_theta\": 5e5, \"rope_scaling\": {\"rope_type\": \"llama3\", \"factor\": 8, \"low_freq_factor\": 1, \"high_freq_factor\": 4, \"original_max_position_embeddings\": 8192} | Rope[theta=500000.0, scaling=Llama3[factor=8.0, lowFrequency=1.0, highFrequency=4.0, originalPositions=8192]]",
        "\"rope_parameters\": {\"rope_type\": \"default\", \"rope_theta\": 77} | Rope[theta=77.0, scaling=Default[]]",
        "\"rope_scaling\": {\"rope_type\": \"yarn\", \"factor\": 4, \"attention_factor\": 1.5, \"original_max_position_embeddings\": 512} | Rope[theta=10000.0, scaling=Yarn[factor=4.0, originalPositions=512, betaFast=32.0, betaSlow=1.0, attentionFactor=1.5, truncate=true]]",
    })
    void ropeIsReadInOldAndNewForm(String fields, String rope) {
        assertEquals(rope, spec(", " + fields).rope().toString());
    }

    @ParameterizedTest
    @CsvSource(quoteCharacter = '`', delimiter = '|', value = {
        "\"rope_scaling\": {\"type\": \"dynamic\", \"factor\": 2} | rope_type = dynamic; known are default, linear, llama3 and yarn",
        "\"rope_scaling\": {\"type\": \"linear\"} | config.json rope_scaling has no factor",
        "\"rope_scaling\": {\"type\": \"linear\", \"factor\": 0} | factor 0.0 is not positive",
        "\"rope_scaling\": [] | rope_scaling = [], expected an object",
        "\"rope_theta\": \"big\" | rope_theta = \"big\", expected a number",
        "\"rope_theta\": 1e400 | rope_theta = ",
        "\"partial_rotary_factor\": 0.5 | rotates only a part",
        "\"num_key_value_heads\": 3 | 4 heads can't share 3 key/value heads",
        "\"head_dim\": 7 | head dimension 7 is not even",
        "\"head_dim\": 16777216 | exceeds",
        "\"head_dim\": 0 | head_dim = 0, expected a whole number in [1, 16777216]",
        "\"head_dim\": 8.5 | head_dim = 8.5",
        "\"head_dim\": 1e30 | head_dim = 1",
        "\"hidden_act\": \"gelu\" | hidden_act = gelu; known is silu",
        "\"attention_bias\": 1 | attention_bias = 1, expected true or false",
        "\"hidden_size\": 8 | not valid JSON: Duplicate field 'hidden_size'",
    })
    void aWrongFieldIsNamedWithItsValue(String fields, String message) {
        assertMessage(() -> spec(", " + fields), message);
    }

    @Test
    void anUnknownArchitectureIsAnErrorThatListsTheKnownOnes() {
        assertMessage(
                () -> Families.spec(config("{\"architectures\": [\"MambaForCausalLM\"]}", Optional.empty())),
                "MambaForCausalLM, which is unknown; known are LlamaForCausalLM, MistralForCausalLM");
        assertMessage(() -> Families.spec(config("{}", Optional.empty())), "names no architecture");
    }

    @Test
    void mistralRunsOnlyWithoutAWindow() {
        String mistral = LLAMA.replace("Llama", "Mistral");
        assertEquals("mistral", Families.spec(config(mistral.formatted(", \"sliding_window\": null"), Optional.empty())).family());
        for (String window : List.of("", ", \"sliding_window\": 4096")) {
            assertMessage(() -> Families.spec(config(mistral.formatted(window), Optional.empty())), "sliding window is not built yet");
        }
    }

    @Test
    void endIdsAreAnIntegerOrAListAndComeFromTheGenerationConfigFirst() {
        assertEquals(List.of(2), config("{\"eos_token_id\": 2}", Optional.empty()).endIds(100));
        assertEquals(List.of(7, 9), config("{\"eos_token_id\": 2}", Optional.of("{\"eos_token_id\": [7, 9, 7, 100]}")).endIds(100));
        assertEquals(List.of(2), config("{\"eos_token_id\": 2}", Optional.of("{\"eos_token_id\": null}")).endIds(100));
        assertEquals(List.of(), config("{}", Optional.of("{\"eos_token_id\": -1}")).endIds(100));
        assertMessage(() -> config("{}", Optional.of("{\"eos_token_id\": \"</s>\"}")).endIds(100), "eos_token_id");
    }

    @Test
    void samplingDefaultsAreTheGenerationConfigsElseTemperatureOne() {
        assertEquals(1, config("{}", Optional.empty()).samplingDefaults().temperature());
        SamplingParams given = config("{}", Optional.of(
                        "{\"temperature\": 0.6, \"top_k\": 20, \"top_p\": 0.95, \"min_p\": 0.1, \"repetition_penalty\": 1.1}"))
                .samplingDefaults();
        assertEquals(List.of(0.6f, 0.95f, 0.1f, 1.1f), List.of(given.temperature(), given.topP(), given.minP(), given.repetitionPenalty()));
        assertEquals(20, given.topK());
        assertEquals(0, config("{}", Optional.of("{\"do_sample\": false, \"temperature\": 0.6}")).samplingDefaults().temperature());
        assertMessage(() -> config("{}", Optional.of("{\"top_p\": 0}")).samplingDefaults(), "generation_config.json: top_p 0.0");
    }

    @Test
    void filesAreReadFromTheFolder() throws IOException {
        assertMessage(() -> ModelConfig.read(folder), "config.json is missing");
        Files.writeString(folder.resolve("config.json"), LLAMA.formatted(""));
        assertTrue(ModelConfig.read(folder).generation().isEmpty());
        Files.writeString(folder.resolve("generation_config.json"), "{\"eos_token_id\": 5}");
        assertEquals(List.of(5), ModelConfig.read(folder).endIds(100));
        Files.writeString(folder.resolve("config.json"), "[".repeat(100_000));
        assertMessage(() -> ModelConfig.read(folder), "is not valid JSON");
        Files.writeString(folder.resolve("config.json"), "{} {}");
        assertMessage(() -> ModelConfig.read(folder), "is not valid JSON");
    }

    private static void assertMessage(org.junit.jupiter.api.function.Executable action, String part) {
        ModelException e = assertThrows(ModelException.class, action);
        assertTrue(e.getMessage().contains(part), e.getMessage() + " lacks: " + part);
    }
}
