package dev.skald.tensor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;

class ElementsTest {
    @Test
    void bf16RoundsToTheNearestOfItsTwoNeighboursAndTiesToEven() {
        for (int high = 0; high < 1 << 16; high++) {
            float exact = Elements.bf16ToFloat((short) high);
            if (Float.isNaN(exact)) {
                assertTrue(Float.isNaN(Elements.round(DType.BF16, exact)));
                continue;
            }
            assertEquals((short) high, Elements.floatToBf16(exact));
            int bits = high << 16;
            if ((high & 0x7fff) >= 0x7f7f) continue; // the greatest finite numbers round to infinity
            assertEquals((short) high, Elements.floatToBf16(Float.intBitsToFloat(bits | 0x7fff)));
            assertEquals((short) (high + 1), Elements.floatToBf16(Float.intBitsToFloat(bits | 0x8001)));
            assertEquals((short) (high + (high & 1)), Elements.floatToBf16(Float.intBitsToFloat(bits | 0x8000)));
        }
    }

    @Test
    void aNanStaysANanThoughItsPayloadIsInTheLowerHalf() {
        assertTrue(Float.isNaN(Elements.round(DType.BF16, Float.intBitsToFloat(0x7f800001))));
        assertTrue(Float.isNaN(Elements.round(DType.BF16, Float.intBitsToFloat(0x7fffffff))));
        assertTrue(Float.isNaN(Elements.round(DType.F16, Float.NaN)));
    }

    @Test
    void writtenElementsAreReadBackRoundedAtAnyAlignment() {
        for (DType dtype : new DType[] {DType.F32, DType.F16, DType.BF16}) {
            MemorySegment data = MemorySegment.ofArray(new byte[1 + 4 * dtype.bytes()]).asSlice(1);
            for (int i = 0; i < 4; i++) Elements.set(dtype, data, i, 1 / (3f + i));
            for (int i = 0; i < 4; i++) assertEquals(Elements.round(dtype, 1 / (3f + i)), Elements.get(dtype, data, i));
        }
        assertThrows(IllegalArgumentException.class, () -> Elements.round(DType.I32, 1));
    }
}
