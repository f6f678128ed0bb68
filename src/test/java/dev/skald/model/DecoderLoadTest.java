package dev.skald.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.skald.compute.BatchLimits;
import dev.skald.compute.Device;
import dev.skald.compute.reference.ReferenceDevice;
import dev.skald.model.family.Families;
import dev.skald.tensor.DType;
import dev.skald.tensor.Elements;
import dev.skald.tensor.Shape;
import dev.skald.tensor.Tensor;
import dev.skald.weights.Checkpoint;
import dev.skald.weights.SafetensorsFile;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DecoderLoadTest {
    private static final BatchLimits LIMITS = new BatchLimits(8, 2, 4, 4, 5);
    private static final LoadOptions OPTIONS = new LoadOptions(Optional.empty(), 64);

    @TempDir
    Path folder;

    private DecoderSpec spec() {
        return Families.spec(ModelConfig.read(folder));
    }

    private Decoder load(LoadOptions options) {
        try (Device device = new ReferenceDevice();
                Checkpoint checkpoint = Checkpoint.open(folder)) {
            return Decoder.load(spec(), checkpoint, device, LIMITS, options);
        }
    }

    /** Writes one model's configuration beside another's weights. */
    private void mismatch(TinyModels config, SafetensorsFile weights) throws IOException {
        Files.writeString(folder.resolve("config.json"), config.config());
        weights.write(folder.resolve("model.safetensors"));
    }

    @Test
    void missingTensorsAreNamedWithTheirShape() throws IOException {
        mismatch(TinyModels.DEFAULT, TinyModels.DEFAULT.withTiedHead().weights(1));
        assertMessage("llama", "tensors are missing: lm_head.weight [61, 24]");
        mismatch(TinyModels.DEFAULT.withBias(), TinyModels.DEFAULT.weights(1));
        assertMessage("model.layers.0.self_attn.q_proj.bias [24]", " and 9 more");
    }

    @Test
    void wronglyShapedTensorsAreNamedWithBothShapes() throws IOException {
        mismatch(TinyModels.DEFAULT, TinyModels.DEFAULT.withVocabulary(60).weights(1));
        assertMessage("model.embed_tokens.weight is [60, 24], expected [61, 24]", "lm_head.weight is [60, 24], expected [61, 24]");
    }

    @Test
    void tensorsThatBelongToSomethingElseAreNamed() throws IOException {
        mismatch(TinyModels.DEFAULT, TinyModels.DEFAULT.weights(1).add("model.layers.0.self_attn.q_norm.weight", DType.F32, new float[6], 6));
        assertMessage("tensors don't belong to it: model.layers.0.self_attn.q_norm.weight");
    }

    @Test
    void buffersThatFrameworksSavedAndAHeadThatIsTiedAnywayAreIgnored() throws IOException {
        TinyModels tied = TinyModels.DEFAULT.withTiedHead();
        mismatch(
                tied,
                TinyModels.DEFAULT.weights(1).add("model.layers.0.self_attn.rotary_emb.inv_freq", DType.F32, new float[3], 3));
        assertEquals(61, load(OPTIONS).weights().head().weight().rows());
    }

    @Test
    void weightsAreConvertedWhenAskedAndVectorsAreAlwaysF32() {
        TinyModels.DEFAULT.withBias().withDtype(DType.F16).write(folder, 1);
        assertEquals(DType.F16, load(OPTIONS).weights().layers().getFirst().qkv().weight().dtype());
        for (DType dtype : new DType[] {DType.F32, DType.F16, DType.BF16}) {
            DecoderWeights weights = load(new LoadOptions(Optional.of(dtype), 64)).weights();
            assertEquals(dtype, weights.embedding().dtype());
            assertEquals(dtype, weights.head().weight().dtype());
            assertEquals(dtype, weights.layers().get(1).gateUp().weight().dtype());
            assertEquals(DType.F32, weights.layers().get(1).inputNorm().dtype());
        }
    }

    @Test
    void conversionRoundsAndRefusesWhatBecomesInfinite() {
        float[] values = {1 / 3f, -70_000, Float.NaN, Float.POSITIVE_INFINITY};
        Tensor source = tensor(values);
        Tensor bf16 = Conversion.to(DType.BF16, source);
        for (int i = 0; i < values.length; i++) {
            assertEquals(Elements.round(DType.BF16, values[i]), Elements.get(DType.BF16, bf16.data(), i));
        }
        assertSame(source, Conversion.to(DType.F32, source));
        ModelException e = assertThrows(ModelException.class, () -> Conversion.to(DType.F16, source));
        assertEquals("tensor t holds -70000.0, which F16 can't represent", e.getMessage());
    }

    @Test
    void stackedWeightsOfMixedTypesKeepThem() throws IOException {
        TinyModels f16 = TinyModels.DEFAULT.withDtype(DType.F16);
        float[] key = new float[12 * 24];
        java.util.Arrays.fill(key, 1 / 3f);
        SafetensorsFile weights = f16.weights(1).replace("model.layers.0.self_attn.k_proj.weight", DType.F32, key, 12, 24);
        mismatch(f16, weights);
        DecoderWeights loaded = load(OPTIONS).weights();
        assertEquals(DType.F16, loaded.layers().get(0).qkv().weight().dtype());
        assertEquals((24 + 2 * 12) * 24 * 4, loaded.layers().get(0).qkv().weight().bytes()); // of the reference, which holds all as f32
        assertEquals(DType.F16, loaded.layers().get(1).qkv().weight().dtype());
    }

    @Test
    void bytesAreCountedAsLoaded() {
        TinyModels.DEFAULT.withTiedHead().write(folder, 1);
        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            long table = 61 * 24;
            long vectors = 5 * 24;
            long rope = 64 * 6;
            long f32 = 4 * (spec().parameters() + table + rope);
            assertEquals(f32, Decoder.weightBytes(spec(), checkpoint, OPTIONS));
            long f16 = 2 * (spec().parameters() - vectors + table) + 4 * (vectors + rope);
            assertEquals(f16, Decoder.weightBytes(spec(), checkpoint, new LoadOptions(Optional.of(DType.F16), 64)));
            assertEquals(f32, load(OPTIONS).weights().deviceBytes());
        }
        long perToken = 3 * 24 + 48 + 24 + 3 * 49;
        assertEquals(4 * (8 * perToken + 4 * (24 + 2 * 61)), Decoder.activationBytes(spec(), LIMITS));
    }

    @Test
    void theFingerprintChangesWithWhateverCouldChangeABit() {
        TinyModels.DEFAULT.write(folder, 1);
        try (Device device = new ReferenceDevice()) {
            String first = fingerprint(device, OPTIONS, DType.F16);
            assertEquals(first, fingerprint(device, OPTIONS, DType.F16));
            assertTrue(first.matches("1-reference-java-scalar-auto-f16-[0-9a-f]{16}"), first);
            assertNotEquals(first, fingerprint(device, OPTIONS, DType.BF16));
            assertNotEquals(first, fingerprint(device, new LoadOptions(Optional.of(DType.BF16), 64), DType.F16));
            TinyModels.DEFAULT.write(folder, 2);
            assertNotEquals(first, fingerprint(device, OPTIONS, DType.F16));
        }
    }

    private String fingerprint(Device device, LoadOptions options, DType kvDtype) {
        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            return Fingerprint.of(spec(), checkpoint, device.info(), options, kvDtype);
        }
    }

    private static Tensor tensor(float... values) {
        return new Tensor("t", DType.F32, Shape.of(values.length), MemorySegment.ofArray(values));
    }

    private void assertMessage(String... parts) {
        ModelException e = assertThrows(ModelException.class, () -> load(OPTIONS));
        for (String part : parts) assertTrue(e.getMessage().contains(part), e.getMessage() + " lacks: " + part);
    }
}
