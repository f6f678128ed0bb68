package dev.skald.compute.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import dev.skald.compute.Batch;
import dev.skald.compute.BatchLimits;
import dev.skald.compute.KvGroup;
import dev.skald.compute.QuantisedWeights;
import dev.skald.compute.Weight;
import dev.skald.compute.WeightRole;
import dev.skald.tensor.Blocks;
import dev.skald.tensor.Buffer;
import dev.skald.tensor.DType;
import dev.skald.tensor.Tensor;
import java.util.List;

/** Rows of a quantised table, looked up on a device. */
final class CudaLookups {
    private static final int ROWS = 9;
    private static final int COLS = 768;

    private CudaLookups() {}

    /** Every row, the last first, is what the file means. */
    static void check(CudaTestDevice test, DType type) {
        BatchLimits limits = new BatchLimits(ROWS, 1, 1, 4, 0);
        CudaDevice device = test.device();
        Tensor tensor = QuantisedWeights.random(type, ROWS, COLS, 8);
        Weight table = device.pack(WeightRole.EMBEDDING, List.of(tensor));
        Buffer out = device.buffer(DType.F32, ROWS, COLS);
        device.start(limits, device.kvCache(List.of(new KvGroup(1, 1, 2, 16, DType.F32)), 4), ROWS);
        Batch batch = device.batch(limits);
        batch.beginSequence(0, ROWS);
        for (int t = 0; t < ROWS; t++) batch.token(ROWS - 1 - t, t);
        device.upload(batch);
        device.ops().embed(table, out);
        for (int t = 0; t < ROWS; t++) {
            float[] expected = new float[COLS];
            Blocks.dequantise(type, tensor.data(), (ROWS - 1L - t) * COLS, expected);
            assertArrayEquals(expected, test.read(out, t), type + ", row " + t);
        }
    }
}
