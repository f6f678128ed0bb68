package dev.skald.compute.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.skald.compute.Batch;
import dev.skald.compute.BatchLimits;
import dev.skald.compute.Epilogue;
import dev.skald.compute.KvGroup;
import dev.skald.compute.QuantisedWeights;
import dev.skald.compute.RowSet;
import dev.skald.compute.Weight;
import dev.skald.compute.WeightRole;
import dev.skald.compute.reference.QuantisedLinearReference;
import dev.skald.tensor.Buffer;
import dev.skald.tensor.DType;
import dev.skald.tensor.Shape;
import dev.skald.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Random;

/** One weight and one matrix of activations on a device, and the products that are expected of them, to the bit. */
final class QuantisedProducts implements AutoCloseable {
    private final CudaTestDevice test;
    private final BatchLimits limits;
    private final Tensor tensor;
    private final float[] bias;
    private final Weight weight;
    private final Epilogue epilogue;
    private final Buffer in;
    private final float[][] expected;

    QuantisedProducts(CudaTestDevice test, DType type, int outputs, int cols, int rows, long seed) {
        this.test = test;
        limits = new BatchLimits(rows, 1, rows, 1 + rows / 16, 0);
        CudaDevice device = test.device();
        tensor = QuantisedWeights.random(type, outputs, cols, seed);
        Random random = new Random(seed + 1);
        bias = new float[outputs];
        for (int o = 0; o < outputs; o++) bias[o] = (float) random.nextGaussian();
        weight = device.pack(WeightRole.LINEAR, List.of(tensor));
        Tensor added = new Tensor("bias", DType.F32, Shape.of(outputs), MemorySegment.ofArray(bias));
        epilogue = new Epilogue.Bias(device.pack(WeightRole.VECTOR, List.of(added)));
        in = device.buffer(DType.F32, rows, cols);
        expected = new float[rows][];
        for (int r = 0; r < rows; r++) {
            float[] row = new float[cols];
            for (int i = 0; i < cols; i++) row[i] = (float) (random.nextGaussian() * Math.exp(2 * random.nextGaussian()));
            test.write(in, r, row);
            expected[r] = QuantisedLinearReference.linear(type, tensor.data(), outputs, row, bias);
        }
        device.start(limits, device.kvCache(List.of(new KvGroup(1, 1, 2, 16, DType.F32)), limits.maxBlocks()), outputs);
    }

    /** The first rows of a step are multiplied, have the reference's bits, and no other row is touched. */
    void check(int rows) {
        Batch batch = test.device().batch(limits);
        batch.beginSequence(0, rows);
        for (int t = 0; t < rows; t++) batch.token(0, t);
        check(RowSet.TOKENS, rows, batch);
    }

    /** The same for rows whose logits are wanted, in a step with more tokens. */
    void checkLogitRows(int rows) {
        Batch batch = test.device().batch(limits);
        int tokens = limits.maxTokens();
        batch.beginSequence(0, tokens);
        for (int t = 0; t < tokens; t++) {
            int at = batch.token(0, t);
            if (t < rows) batch.row(at, 0, -1, 0);
        }
        check(RowSet.LOGIT_ROWS, rows, batch);
    }

    private void check(RowSet set, int rows, Batch batch) {
        CudaDevice device = test.device();
        device.upload(batch);
        Buffer out = device.buffer(DType.F32, limits.maxTokens(), weight.rows());
        device.ops().linear(set, weight, in, epilogue, out);
        for (int r = 0; r < rows; r++) {
            assertArrayEquals(bits(expected[r]), bits(test.read(out, r)), tensor + ", row " + r + " of " + rows + " " + set);
        }
        for (int r = rows; r < limits.maxTokens(); r++) {
            for (float value : test.read(out, r)) assertTrue(Float.isNaN(value), "row " + r + " was written beyond " + rows);
        }
    }

    private static int[] bits(float[] values) {
        int[] bits = new int[values.length];
        for (int i = 0; i < bits.length; i++) bits[i] = Float.floatToIntBits(values[i]);
        return bits;
    }

    @Override
    public void close() {
        test.close();
    }
}
