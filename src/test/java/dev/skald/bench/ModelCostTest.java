package dev.skald.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.skald.compute.Activation;
import dev.skald.model.DecoderSpec;
import dev.skald.model.HeadRows;
import dev.skald.model.Rope;
import dev.skald.model.TensorNames;
import org.junit.jupiter.api.Test;

class ModelCostTest {
    private static final TensorNames NAMES =
            new TensorNames("e", "n", "h", "l.", new TensorNames.Layer("i", "q", "k", "v", "o", "p", "g", "u", "d"), HeadRows.HALVES);

    @Test
    void prefill_multiplies_with_the_projections_of_all_layers() {
        ModelCost cost = ModelCost.of(llama7b(false), 12_345);
        assertEquals(32L * (4096 * 4096 * 4L + 3L * 4096 * 11008), cost.prefillMacs());
        assertEquals(12_345, cost.weightBytes());
    }

    private static DecoderSpec llama7b(boolean tied) {
        return new DecoderSpec(
                "llama", 32, 4096, 32, 32, 128, 11008, 32_000, 4096, 1e-5f, new Rope(10_000, new Rope.Default()), false, false, false, tied, Activation.SILU, NAMES);
    }
}
