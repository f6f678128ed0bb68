package dev.skald.quantize;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.skald.tensor.Blocks;
import dev.skald.tensor.DType;
import dev.skald.tensor.Elements;
import dev.skald.tensor.Shape;
import dev.skald.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class QuantiserTest {
    private static final long SEED = 20261124;

    private final Quantiser quantiser = new Quantiser(2);

    @AfterEach
    void close() {
        quantiser.close();
    }

    static Stream<DType> quantisedTypes() {
        return Arrays.stream(DType.values()).filter(DType::quantised);
    }

    /**
     * The bounds are what llama.cpp of 2026-10 leaves of normally distributed numbers (4,194,304 of them, without an importance matrix):
     * the root of the mean squared error, relative to the numbers' own.
     */
    @ParameterizedTest(name = "{0} below {1}")
    @CsvSource({
        "Q4_0, 0.08583", "Q4_1, 0.07815", "Q5_0, 0.04262", "Q5_1, 0.03781", "Q8_0, 0.005345", "IQ4_NL, 0.07608",
        "Q2_K, 0.2962", "Q3_K, 0.1508", "Q4_K, 0.07129", "Q5_K, 0.03608", "Q6_K, 0.01772"
    })
    void normallyDistributedNumbersLoseNoMoreThanWithThePeersQuantiser(DType type, double bound) {
        float[] x = normal(256, 1024);
        double error = relativeError(x, quantised(type, x, 1024), type);
        assertTrue(error <= bound, type + " leaves " + error + ", seed " + SEED);
        assertTrue(error > bound / 2, type + " leaves " + error + ": too good to be true");
    }

    @ParameterizedTest
    @MethodSource("quantisedTypes")
    void theBytesDoNotDependOnTheNumberOfThreads(DType type) {
        float[] x = normal(67, 768);
        byte[] two = quantised(type, x, 768);
        try (Quantiser one = new Quantiser(1); Quantiser five = new Quantiser(5)) {
            assertArrayEquals(two, quantised(one, type, tensor(x, 768)));
            assertArrayEquals(two, quantised(five, type, tensor(x, 768)));
        }
    }

    @ParameterizedTest
    @MethodSource("quantisedTypes")
    void aBlockDependsOnItsOwnElementsOnly(DType type) {
        float[] x = normal(41, 512);
        byte[] all = quantised(type, x, 512);
        int bytes = type.blockBytes() * 512 / type.blockElements();
        for (int row : new int[] {0, 17, 40}) {
            byte[] alone = quantised(type, Arrays.copyOfRange(x, row * 512, (row + 1) * 512), 512);
            assertArrayEquals(alone, Arrays.copyOfRange(all, row * bytes, (row + 1) * bytes), "row " + row);
        }
    }

    @ParameterizedTest
    @MethodSource("quantisedTypes")
    void halvesAreQuantisedLikeTheFloatsThatTheyAre(DType type) {
        for (DType half : new DType[] {DType.F16, DType.BF16}) {
            float[] x = normal(9, 256);
            byte[] bytes = new byte[2 * x.length];
            for (int i = 0; i < x.length; i++) {
                x[i] = Elements.round(half, x[i]);
                Elements.set(half, MemorySegment.ofArray(bytes), i, x[i]);
            }
            Tensor tensor = new Tensor("halves", half, Shape.of(9, 256), MemorySegment.ofArray(bytes));
            assertArrayEquals(quantised(type, x, 256), quantised(quantiser, type, tensor));
        }
    }

    @ParameterizedTest
    @MethodSource("quantisedTypes")
    void zerosStayZero(DType type) {
        float[] x = new float[2 * 256];
        assertArrayEquals(x, values(type, quantised(type, x, 256)));
    }

    @ParameterizedTest
    @MethodSource("quantisedTypes")
    void numbersOfOneSizeComeOutAsGoodAsExact(DType type) {
        float[] x = new float[256];
        Arrays.fill(x, 0, 128, 0.75f);
        Arrays.fill(x, 128, 256, -0.75f);
        float[] out = values(type, quantised(type, x, 256));
        for (int i = 0; i < x.length; i++) assertEquals(x[i], out[i], 0.02f, type + " element " + i);
    }

    /** One number is a thousand times the rest of its block; the types with groups must keep the other groups. */
    @ParameterizedTest
    @MethodSource("quantisedTypes")
    void anOutlierIsKept(DType type) {
        float[] x = normal(1, 256);
        x[100] = 1000;
        float[] out = values(type, quantised(type, x, 256));
        assertEquals(1000, out[100], 20, type.toString());
    }

    @ParameterizedTest
    @MethodSource("quantisedTypes")
    void numbersTooSmallForAScaleBecomeZeroOrNear(DType type) {
        float[] x = normal(1, 256);
        for (int i = 0; i < x.length; i++) x[i] *= 1e-9f;
        for (float v : values(type, quantised(type, x, 256))) assertTrue(Math.abs(v) < 1e-6f, type + " makes " + v);
    }

    @ParameterizedTest
    @MethodSource("quantisedTypes")
    void whatCannotBeQuantisedIsNamed(DType type) {
        for (float bad : new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY, 3e38f, -3e38f}) {
            float[] x = normal(300, 256);
            x[299 * 256 + 77] = bad;
            String message = assertThrows(QuantisationException.class, () -> quantised(type, x, 256)).getMessage();
            assertTrue(message.contains("tensor weights"), message);
        }
    }

    @ParameterizedTest
    @MethodSource("quantisedTypes")
    void rowsThatAreNotWholeBlocksAreRefused(DType type) {
        float[] x = new float[32 * type.blockElements()];
        byte[] target = new byte[32 * type.blockBytes()];
        Tensor odd = tensor(x, type.blockElements() / 2);
        assertThrows(IllegalArgumentException.class, () -> quantiser.convert(odd, type, MemorySegment.ofArray(target)));
    }

    private byte[] quantised(DType type, float[] x, int cols) {
        return quantised(quantiser, type, tensor(x, cols));
    }

    private static byte[] quantised(Quantiser quantiser, DType type, Tensor tensor) {
        byte[] target = new byte[(int) type.bytes(tensor.shape().elements())];
        quantiser.convert(tensor, type, MemorySegment.ofArray(target));
        return target;
    }

    private static Tensor tensor(float[] x, int cols) {
        byte[] bytes = new byte[4 * x.length];
        for (int i = 0; i < x.length; i++) Elements.set(DType.F32, MemorySegment.ofArray(bytes), i, x[i]);
        return new Tensor("weights", DType.F32, Shape.of(x.length / cols, cols), MemorySegment.ofArray(bytes));
    }

    private static float[] values(DType type, byte[] blocks) {
        float[] out = new float[blocks.length / type.blockBytes() * type.blockElements()];
        Blocks.dequantise(type, MemorySegment.ofArray(blocks), 0, out);
        return out;
    }

    private static double relativeError(float[] x, byte[] blocks, DType type) {
        float[] out = values(type, blocks);
        double error = 0;
        double all = 0;
        for (int i = 0; i < x.length; i++) {
            error += (x[i] - out[i]) * (double) (x[i] - out[i]);
            all += x[i] * (double) x[i];
        }
        return Math.sqrt(error / all);
    }

    private static float[] normal(int rows, int cols) {
        Random random = new Random(SEED);
        float[] x = new float[rows * cols];
        for (int i = 0; i < x.length; i++) x[i] = (float) random.nextGaussian();
        return x;
    }
}
