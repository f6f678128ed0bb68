package dev.skald.compute.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.skald.compute.Batch;
import dev.skald.compute.BatchLimits;
import dev.skald.compute.Epilogue;
import dev.skald.compute.KvGroup;
import dev.skald.compute.RowSet;
import dev.skald.compute.TestTensors;
import dev.skald.compute.Weight;
import dev.skald.compute.WeightRole;
import dev.skald.tensor.Buffer;
import dev.skald.tensor.DType;
import dev.skald.tensor.Elements;
import dev.skald.tensor.Shape;
import dev.skald.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Who multiplies, and that it doesn't show: own kernels give a row the same bits in any step; cuBLAS, for many rows, is as near as its type allows. */
class CudaLinearTest {
    private static final int IN = 205;
    private static final int OUT = 83;
    private static final int ROWS = 150;

    @BeforeEach
    void needsTheDevice() {
        SimCuda.use();
    }

    private static float[] random(long seed, int n) {
        Random random = new Random(seed);
        float[] values = new float[n];
        for (int i = 0; i < n; i++) values[i] = (float) random.nextGaussian();
        return values;
    }

    /** The product of the first {@code rows} rows, [rows][OUT]. */
    private static float[][] product(boolean batchInvariant, DType dtype, float[] weight, float[] bias, float[] x, int rows) {
        try (CudaTestDevice test = new CudaTestDevice(batchInvariant)) {
            BatchLimits limits = new BatchLimits(ROWS, 1, ROWS, 16, 0);
            CudaDevice device = test.device();
            Tensor f32 = new Tensor("w", DType.F32, Shape.of(OUT, IN), MemorySegment.ofArray(weight));
            Weight packed = device.pack(WeightRole.LINEAR, List.of(TestTensors.convert(dtype, f32)));
            Weight packedBias = device.pack(WeightRole.VECTOR, List.of(new Tensor("b", DType.F32, Shape.of(OUT), MemorySegment.ofArray(bias))));
            Buffer in = device.buffer(DType.F32, ROWS, IN);
            Buffer out = device.buffer(DType.F32, ROWS, OUT);
            device.start(limits, device.kvCache(List.of(new KvGroup(1, 1, 2, 16, DType.F32)), 16), OUT);
            Batch batch = device.batch(limits);
            batch.beginSequence(0, rows);
            for (int t = 0; t < rows; t++) {
                test.write(in, t, Arrays.copyOfRange(x, t * IN, (t + 1) * IN));
                batch.token(0, t);
            }
            device.upload(batch);
            device.ops().linear(RowSet.TOKENS, packed, in, new Epilogue.Bias(packedBias), out);
            float[][] result = new float[rows][];
            for (int t = 0; t < rows; t++) result[t] = test.read(out, t);
            return result;
        }
    }

    private static double error(DType dtype, float[] weight, float[] bias, float[] x, float[][] rows) {
        double worst = 0;
        for (int r = 0; r < rows.length; r++) {
            for (int o = 0; o < OUT; o++) {
                double sum = bias[o];
                for (int i = 0; i < IN; i++) sum += (double) x[r * IN + i] * Elements.round(dtype, weight[o * IN + i]);
                worst = Math.max(worst, Math.abs(sum - rows[r][o]));
            }
        }
        return worst;
    }

    @ParameterizedTest
    @EnumSource(names = {"F32", "F16", "BF16"})
    void aRowHasTheSameBitsWhateverElseIsInTheStep(DType dtype) {
        float[] weight = random(1, OUT * IN);
        float[] bias = random(2, OUT);
        float[] x = random(3, ROWS * IN);
        float[][] all = product(true, dtype, weight, bias, x, ROWS);
        for (int rows : new int[] {1, 7, 8, 9, 17, 33, 64, 65}) {
            float[][] few = product(true, dtype, weight, bias, x, rows);
            for (int r = 0; r < rows; r++) assertArrayEquals(all[r], few[r], dtype + ", row " + r + " of " + rows);
        }
        assertTrue(error(dtype, weight, bias, x, all) < 40 * 0x1p-17, "as exact as with f32 activations, to 16 bits: " + error(dtype, weight, bias, x, all));
    }

    @ParameterizedTest
    @EnumSource(names = {"F32", "F16", "BF16"})
    void manyRowsGoToCublasWhoseOrderDependsOnTheirNumber(DType dtype) {
        float[] weight = random(4, OUT * IN);
        float[] bias = random(5, OUT);
        float[] x = random(6, ROWS * IN);
        float[][] own = product(false, dtype, weight, bias, x, CudaLinear.OWN_ROWS);
        float[][] invariant = product(true, dtype, weight, bias, x, CudaLinear.OWN_ROWS);
        for (int r = 0; r < own.length; r++) assertArrayEquals(invariant[r], own[r], "few rows are multiplied by our own kernels");
        float[][] many = product(false, dtype, weight, bias, x, 100);
        double unit = dtype == DType.F32 ? 0x1p-20 : dtype == DType.F16 ? 0x1p-11 : 0x1p-8;
        assertTrue(error(dtype, weight, bias, x, many) < 40 * unit, dtype + ": " + error(dtype, weight, bias, x, many));
        assertFalse(Arrays.equals(many[0], product(false, dtype, weight, bias, x, 70)[0]), "the stand-in adds in another order for another bucket of rows");
    }

    @ParameterizedTest
    @EnumSource(names = {"F16", "BF16"})
    void activationsBeyondTheTypesRangeAreHeld(DType dtype) {
        float[] x = new float[ROWS * IN];
        x[0] = 100_000;
        x[1] = -70_000;
        float[] weight = new float[OUT * IN];
        weight[0] = 1;
        weight[1] = 1;
        float expected = Elements.round(DType.F32, 30_000);
        assertEquals(expected, product(true, dtype, weight, new float[OUT], x, 1)[0][0], 30_000 * 0x1p-10);
    }
}
