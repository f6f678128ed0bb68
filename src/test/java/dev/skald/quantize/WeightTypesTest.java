package dev.skald.quantize;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.skald.tensor.DType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class WeightTypesTest {
    /** 576 = 18 · 32 is SmolLM2's width. */
    @ParameterizedTest(name = "{0} in rows of {1}: {2}, as head {3}")
    @CsvSource({
        "Q4_0, 4096, Q4_0, Q6_K", "Q8_0, 4096, Q8_0, Q8_0", "Q4_K, 4096, Q4_K, Q6_K", "Q6_K, 4096, Q6_K, Q6_K", "F16, 4096, F16, F16",
        "Q4_0, 576, Q4_0, Q8_0", "Q2_K, 576, IQ4_NL, Q8_0", "Q3_K, 576, IQ4_NL, Q8_0", "Q4_K, 576, Q5_0, Q8_0", "Q5_K, 576, Q5_1, Q8_0",
        "Q6_K, 576, Q8_0, Q8_0", "Q4_0, 24, F16, F16", "Q4_K, 24, F16, F16", "BF16, 24, BF16, BF16"
    })
    void aTypeThatDoesNotFitGivesWayToOneOfNoFewerBits(DType wanted, long cols, DType matrix, DType head) {
        assertEquals(matrix, WeightTypes.of(wanted, cols, false));
        assertEquals(head, WeightTypes.of(wanted, cols, true));
    }

    @Test
    void whateverComesOutFitsTheRow() {
        for (DType wanted : DType.values()) {
            if (wanted == DType.I32) continue;
            for (long cols = 1; cols < 600; cols++) {
                for (boolean head : new boolean[] {true, false}) {
                    DType type = WeightTypes.of(wanted, cols, head);
                    assertEquals(0, cols % type.blockElements(), wanted + " " + cols);
                }
            }
        }
    }
}
