package dev.skald.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.skald.boot.TinyGguf;
import dev.skald.model.family.Families;
import dev.skald.tensor.DType;
import dev.skald.tensor.Shape;
import dev.skald.tensor.Tensor;
import dev.skald.weights.GgufBytes;
import dev.skald.weights.GgufCheckpoint;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A GGUF file's metadata in the words of config.json. */
class GgufConfigTest {
    @TempDir
    Path folder;

    private DecoderSpec spec(UnaryOperator<GgufBytes> more) {
        Path file = more.apply(TinyGguf.keys().tensor("token_embd.weight", new float[100 * 32], 100, 32)).write(folder.resolve("m.gguf"));
        try (GgufCheckpoint checkpoint = GgufCheckpoint.open(file)) {
            return Families.spec(GgufConfig.of(checkpoint, List.of(5)));
        }
    }

    private void refused(String part, UnaryOperator<GgufBytes> more) {
        String message = assertThrows(ModelException.class, () -> spec(more)).getMessage();
        assertTrue(message.contains(part) && message.contains(folder.resolve("m.gguf").toString()), message);
    }

    @Test
    void whatTheMetadataLeavesOutHasTheFormatsDefault() {
        DecoderSpec spec = spec(b -> b);
        assertEquals(8, spec.headDim());
        assertEquals(new Rope(10_000, new Rope.Default()), spec.rope());
        assertEquals(1e-5f, spec.normEps());
        assertEquals(100, spec.vocabulary());
        assertEquals(List.of(true, false, false), List.of(spec.tiedHead(), spec.qkvBias(), spec.mlpBias()));
        assertEquals(HeadRows.PAIRS, spec.names().headRows());
        assertEquals("blk.3.attn_q", spec.names().inLayer(3, spec.names().layer().query()));
    }

    @Test
    void tensorsThatAreThereDecideWhatHasNoKey() {
        assertEquals(false, spec(b -> b.tensor("output.weight", new float[1], 1)).tiedHead());
        assertEquals(true, spec(b -> b.tensor("blk.0.attn_q.bias", new float[1], 1)).qkvBias());
        assertEquals(true, spec(b -> b.tensor("blk.0.ffn_gate.bias", new float[1], 1)).mlpBias());
    }

    @Test
    void ropeIsScaledAsTheKeysSay() {
        assertEquals(new Rope(500_000, new Rope.Default()), spec(b -> b.float32("llama.rope.freq_base", 500_000)).rope());
        assertEquals(new Rope.Linear(4), spec(b -> b.string("llama.rope.scaling.type", "linear").float32("llama.rope.scaling.factor", 4)).rope().scaling());
        assertEquals(new Rope.Linear(2), spec(b -> b.float32("llama.rope.scale_linear", 2)).rope().scaling());
        Rope.Scaling yarn = spec(b -> b.string("llama.rope.scaling.type", "yarn")
                .float32("llama.rope.scaling.factor", 4)
                .int32("llama.rope.scaling.original_context_length", 64)).rope().scaling();
        assertEquals(new Rope.Yarn(4, 64, 32, 1, 0.1 * Math.log(4) + 1, true), yarn);
        Rope.Scaling divided = spec(b -> b.tensor("rope_freqs.weight", new float[] {1, 1, 2.5f, 8}, 4)).rope().scaling();
        assertEquals(new Rope.Divided(List.of(1.0, 1.0, 2.5, 8.0)), divided);
        refused("rope.scaling.type = longrope", b -> b.string("llama.rope.scaling.type", "longrope"));
        refused("3 rope divisors for heads of 4 pairs", b -> b.tensor("rope_freqs.weight", new float[] {1, 1, 1}, 3));
        refused("divisors", b -> b.tensor("rope_freqs.weight", new float[] {1, 1, -1, 1}, 4));
        refused("rope_freqs.weight", b -> b.tensor("rope_freqs.weight", new float[4], 2, 2));
        refused("not together with rope_freqs.weight", b -> b.string("llama.rope.scaling.type", "linear")
                .float32("llama.rope.scaling.factor", 4).tensor("rope_freqs.weight", new float[] {1, 1, 1, 1}, 4));
    }

    @Test
    void dividedFrequenciesAreThoseOfTheScalingThatTheyStandFor() {
        Rope.Llama3 llama3 = new Rope.Llama3(8, 1, 4, 64);
        float[] wanted = RopeTable.frequencies(new Rope(500, llama3), 16);
        float[] plain = RopeTable.frequencies(new Rope(500, new Rope.Default()), 16);
        List<Double> divisors = java.util.stream.IntStream.range(0, 8).mapToObj(i -> (double) (plain[i] / wanted[i])).toList();
        assertArrayEquals(wanted, RopeTable.frequencies(new Rope(500, new Rope.Divided(divisors)), 16), 1e-6f);
    }

    @Test
    void whatIsntBuiltIsRefusedByItsKey() {
        refused("llama.expert_count = 8", b -> b.int32("llama.expert_count", 8));
        refused("llama.attention.sliding_window = 4096", b -> b.int32("llama.attention.sliding_window", 4096));
        refused("llama.attention.causal = false", b -> b.flag("llama.attention.causal", false));
        refused("llama.rope.dimension_count = 4", b -> b.int32("llama.rope.dimension_count", 4));
        refused("llama.attention.value_length = 16", b -> b.int32("llama.attention.value_length", 16));
        refused("llama.rope.scaling.attn_factor = 2.0", b -> b.string("llama.rope.scaling.type", "yarn").float32("llama.rope.scaling.attn_factor", 2));
        assertEquals(0, spec(b -> b.int32("llama.expert_count", 0).int32("llama.rope.dimension_count", 8)).intermediate() - 64);
    }

    @Test
    void keysThatAreMissingOrAreListsAreNamed() {
        Path file = new GgufBytes().string("general.architecture", "llama").write(folder.resolve("empty.gguf"));
        try (GgufCheckpoint checkpoint = GgufCheckpoint.open(file)) {
            String message = assertThrows(ModelException.class, () -> GgufConfig.of(checkpoint, List.of())).getMessage();
            assertEquals(file + " has no llama.block_count", message);
        }
        refused("llama.attention.key_length = a list", b -> b.integers("llama.attention.key_length", 4, 4));
    }

    @Test
    void rowsOfPairsBecomeHalvesWithoutACopy() {
        float[] rows = new float[16];
        for (int i = 0; i < 16; i++) rows[i] = i;
        MemorySegment data = MemorySegment.ofArray(rows);
        Tensor tensor = new Tensor("q", DType.F32, Shape.of(16, 1), data);
        List<Tensor> ordered = HeadRows.halves(tensor, 8).toList();
        assertTrue(ordered.stream().allMatch(t -> t.shape().equals(Shape.of(1, 1)) && t.name().equals("q") && t.data().heapBase().equals(data.heapBase())));
        assertEquals(
                List.of(0f, 2f, 4f, 6f, 1f, 3f, 5f, 7f, 8f, 10f, 12f, 14f, 9f, 11f, 13f, 15f),
                ordered.stream().map(t -> dev.skald.tensor.Elements.get(DType.F32, t.data(), 0)).toList());
    }
}
