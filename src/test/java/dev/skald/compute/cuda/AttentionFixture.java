package dev.skald.compute.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.skald.compute.AttentionShape;
import dev.skald.compute.Batch;
import dev.skald.compute.BatchLimits;
import dev.skald.compute.KvGroup;
import dev.skald.compute.Weight;
import dev.skald.compute.WeightRole;
import dev.skald.tensor.Buffer;
import dev.skald.tensor.DType;
import dev.skald.tensor.Elements;
import dev.skald.tensor.Shape;
import dev.skald.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;

/** Sequences with random queries, keys and values of which nothing is turned, in a cache whose blocks lie in no order. */
final class AttentionFixture implements AutoCloseable {
    private static final long SEED = 11;
    private static final int SLOTS = 4;
    private static final int BLOCK_TOKENS = 16;
    private static final int BLOCKS_EACH = 40;
    private static final int LENGTH = BLOCK_TOKENS * BLOCKS_EACH;
    private static final BatchLimits LIMITS = new BatchLimits(320, SLOTS, SLOTS, BLOCKS_EACH, 0);

    private final CudaTestDevice test;
    private final AttentionShape shape;
    private final Buffer qkv;
    private final Buffer out;
    private final Weight still;
    private final Batch batch;
    private final int[] lengths = new int[SLOTS];
    /** [slot][position][qkvCols] */
    private final float[][][] rows = new float[SLOTS][LENGTH][];

    /** @param values [heads · headDim] */
    record Row(int slot, int position, float[] values) {}

    AttentionFixture(AttentionShape shape, DType dtype, Path kernels) {
        this.shape = shape;
        test = new CudaTestDevice(true, kernels);
        CudaDevice device = test.device();
        float[] angles = new float[LENGTH * shape.headDim()];
        for (int p = 0; p < LENGTH; p++) for (int i = 0; i < shape.headDim() / 2; i++) angles[p * shape.headDim() + i] = 1;
        still = device.pack(WeightRole.ROPE_TABLE, List.of(new Tensor("rope", DType.F32, Shape.of(LENGTH, shape.headDim()), MemorySegment.ofArray(angles))));
        qkv = device.buffer(DType.F32, LIMITS.maxTokens(), shape.qkvCols());
        out = device.buffer(DType.F32, LIMITS.maxTokens(), shape.heads() * shape.headDim());
        batch = device.batch(LIMITS);
        device.start(LIMITS, device.kvCache(List.of(new KvGroup(1, shape.kvHeads(), shape.headDim(), BLOCK_TOKENS, dtype)), SLOTS * BLOCKS_EACH), 5);
        for (int slot = 0; slot < SLOTS; slot++) {
            Random random = new Random(SEED + slot);
            for (int p = 0; p < LENGTH; p++) {
                rows[slot][p] = new float[shape.qkvCols()];
                for (int i = 0; i < shape.qkvCols(); i++) rows[slot][p][i] = (float) random.nextGaussian();
            }
        }
    }

    void keepUnits(int units) {
        test.device().tensorAttention().keepUnits(units);
    }

    void breakValue(int slot, int position, float value) {
        rows[slot][position][(shape.heads() + shape.kvHeads()) * shape.headDim()] = value;
    }

    /** The next tokens of some slots. @param tokens slot → how many @param attend whether to read what they attend to */
    List<Row> step(Map<Integer, Integer> tokens, boolean attend) {
        List<Row> result = new ArrayList<>();
        batch.clear();
        int t = 0;
        for (Map.Entry<Integer, Integer> part : new TreeMap<>(tokens).entrySet()) {
            int slot = part.getKey();
            int end = lengths[slot] + part.getValue();
            for (int i = lengths[slot] / BLOCK_TOKENS; i < Math.ceilDiv(end, BLOCK_TOKENS); i++) {
                batch.tableChange(slot, i, (i * 7 + slot * BLOCKS_EACH + 3) * 11 % (SLOTS * BLOCKS_EACH));
            }
            batch.beginSequence(slot, end);
            for (int p = lengths[slot]; p < end; p++) {
                batch.token(0, p);
                test.write(qkv, t++, rows[slot][p]);
            }
        }
        test.device().upload(batch);
        test.device().ops().ropeStore(shape, qkv, still, 0);
        if (attend) test.device().ops().attention(shape, qkv, 0, out);
        test.read(qkv, 0); // waits: the batch is going to be filled anew
        t = 0;
        for (Map.Entry<Integer, Integer> part : new TreeMap<>(tokens).entrySet()) {
            int slot = part.getKey();
            for (int i = 0; i < part.getValue(); i++, t++) if (attend) result.add(new Row(slot, lengths[slot] + i, test.read(out, t)));
            lengths[slot] += part.getValue();
        }
        return result;
    }

    /** Against a formula in double that knows no blocks, splits or tiles. Scores are a few units, so weights are off by so many times a score's error. */
    void check(List<Row> results, DType dtype) {
        double unit = dtype == DType.F16 ? 0x1p-20 : 0x1p-16;
        for (Row row : results) {
            for (int h = 0; h < shape.heads(); h++) {
                double[] expected = attention(rows[row.slot], row.position, h, dtype);
                for (int i = 0; i < shape.headDim(); i++) {
                    double actual = row.values[h * shape.headDim() + i];
                    assertEquals(expected[i], actual, 4 * unit, "slot " + row.slot + ", position " + row.position + ", head " + h + ", element " + i);
                }
            }
        }
    }

    private double[] attention(float[][] sequence, int position, int head, DType dtype) {
        int dim = shape.headDim();
        int key = (shape.heads() + head / (shape.heads() / shape.kvHeads())) * dim;
        int value = key + shape.kvHeads() * dim;
        double[] result = new double[dim];
        double sum = 0;
        for (int p = 0; p <= position; p++) {
            double dot = 0;
            for (int i = 0; i < dim; i++) dot += (double) sequence[position][head * dim + i] * Elements.round(dtype, sequence[p][key + i]);
            double weight = Math.exp(dot * shape.scale());
            sum += weight;
            for (int i = 0; i < dim; i++) result[i] += weight * Elements.round(dtype, sequence[p][value + i]);
        }
        for (int i = 0; i < dim; i++) result[i] /= sum;
        return result;
    }

    @Override
    public void close() {
        test.close();
    }
}
