package dev.skald.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.skald.compute.Activation;
import dev.skald.model.DecoderSpec;
import dev.skald.model.HeadRows;
import dev.skald.model.Rope;
import dev.skald.model.TensorNames;
import dev.skald.tensor.DType;
import org.junit.jupiter.api.Test;

class ModelCostTest {
    private static final TensorNames NAMES =
            new TensorNames("e", "n", "h", "l.", new TensorNames.Layer("i", "q", "k", "v", "o", "p", "g", "u", "d"), HeadRows.HALVES);

    @Test
    void a_decode_step_reads_all_but_the_embedding_table() {
        long projections = 32L * (4096 * 4096 * 4L + 3L * 4096 * 11008);
        long norms = 65L * 4096;
        ModelCost cost = ModelCost.of(llama7b(false), DType.BF16);
        assertEquals(projections, cost.prefillMacs());
        assertEquals(2 * (projections + norms + 32_000L * 4096), cost.weightBytes());
    }

    @Test
    void a_tied_head_is_read_although_it_is_the_embedding_table() {
        assertEquals(ModelCost.of(llama7b(false), DType.F16).weightBytes(), ModelCost.of(llama7b(true), DType.F16).weightBytes());
    }

    private static DecoderSpec llama7b(boolean tied) {
        return new DecoderSpec(
                "llama", 32, 4096, 32, 32, 128, 11008, 32_000, 4096, 1e-5f, new Rope(10_000, new Rope.Default()), false, false, false, tied, Activation.SILU, NAMES);
    }
}
