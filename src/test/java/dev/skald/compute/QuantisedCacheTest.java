package dev.skald.compute;

import static dev.skald.compute.OpsFixture.BLOCK_TOKENS;
import static dev.skald.compute.OpsFixture.assertClose;
import static dev.skald.compute.OpsFixture.random;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.skald.tensor.Buffer;
import dev.skald.tensor.DType;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Keys and values in Q8_0: what is stored, to the bit, and that attention is exact over it. */
class QuantisedCacheTest {
    private static final int HEADS = 6;
    private static final int KV_HEADS = 2;
    /** Beyond one split of 256 positions, and neither a multiple of it nor of a block. */
    private static final int LENGTH = 300;

    static Stream<Arguments> devicesAndWidths() {
        // blocks that are cut short, alone and behind others, and whole ones
        return TestDevices.all().filter(d -> !d.name().startsWith("cuda"))
                .flatMap(d -> Stream.of(6, 40, 64, 128).map(dim -> Arguments.of(d, dim)));
    }

    private static OpsFixture fixture(TestDevices.Factory factory, int dim) {
        return new OpsFixture(factory, new KvGroup(2, KV_HEADS, dim, BLOCK_TOKENS, DType.Q8_0));
    }

    private static AttentionShape shape(int dim) {
        return new AttentionShape(HEADS, KV_HEADS, dim, (float) (1 / Math.sqrt(dim)));
    }

    private static int block(int index) {
        return (index * 7 + 3) % 64;
    }

    private static void chunk(Batch b, int from, int to) {
        for (int i = 0; i < Math.ceilDiv(to, BLOCK_TOKENS); i++) b.tableChange(0, i, block(i));
        b.beginSequence(0, to);
        for (int p = from; p < to; p++) b.token(0, p);
    }

    /** Angle 0: nothing turns, and keys are stored as they are given. */
    private static Weight still(OpsFixture f, int dim) {
        float[][] table = new float[LENGTH][dim];
        for (float[] row : table) Arrays.fill(row, 0, dim / 2, 1);
        return f.device.pack(WeightRole.ROPE_TABLE, List.of(OpsFixture.matrix(table)));
    }

    /** A head as Q8_0 has it: the definition, in double but for what is stored. */
    private static float[] stored(float[] row, int from, int dim) {
        float[] out = new float[dim];
        for (int first = 0; first < dim; first += 32) {
            int end = Math.min(dim, first + 32);
            float most = 0;
            for (int i = first; i < end; i++) most = Math.max(most, Math.abs(row[from + i]));
            float scale = Float.float16ToFloat(Float.floatToFloat16(most / 127));
            float inverse = scale == 0 ? 0 : 1 / scale;
            for (int i = first; i < end; i++) out[i] = scale * (int) Math.clamp(Math.rint((double) (row[from + i] * inverse)), -127.0, 127.0);
        }
        return out;
    }

    private static float[][] rows(int dim) {
        float[][] rows = random(dim, LENGTH, shape(dim).qkvCols());
        // a block of zeros, one too small for a scale, and one whose scale is the smallest there is
        int key = HEADS * dim;
        Arrays.fill(rows[1], key, key + Math.min(dim, 32), 0);
        for (int i = 0; i < Math.min(dim, 32); i++) rows[2][key + i] *= 1e-7f;
        for (int i = 0; i < Math.min(dim, 32); i++) rows[3][key + i] = (i - 3) * 0x1p-20f;
        return rows;
    }

    private static void store(OpsFixture f, float[][] rows, int dim, Weight table, Buffer out) {
        int step = OpsFixture.LIMITS.maxTokens();
        for (int from = 0; from < LENGTH; from += step) {
            int begin = from;
            int end = Math.min(from + step, LENGTH);
            Buffer qkv = f.buffer(Arrays.copyOfRange(rows, begin, end));
            f.upload(b -> chunk(b, begin, end));
            f.ops.ropeStore(shape(dim), qkv, table, 0);
            f.ops.attention(shape(dim), qkv, 0, out);
        }
    }

    @ParameterizedTest
    @MethodSource("devicesAndWidths")
    void everyDeviceStoresTheSameBitsAndAttendsExactlyToThem(TestDevices.Factory factory, int dim) {
        try (OpsFixture f = fixture(factory, dim)) {
            Weight table = still(f, dim);
            float[][] rows = rows(dim);
            Buffer out = f.buffer(OpsFixture.LIMITS.maxTokens(), HEADS * dim);
            store(f, rows, dim, table, out);
            float[][] keys = new float[LENGTH][];
            float[][] values = new float[LENGTH][];
            for (int p = 0; p < LENGTH; p++) {
                keys[p] = f.test.keys(f.cache, 0, block(p / BLOCK_TOKENS), p % BLOCK_TOKENS);
                values[p] = f.test.values(f.cache, 0, block(p / BLOCK_TOKENS), p % BLOCK_TOKENS);
                for (int h = 0; h < KV_HEADS; h++) {
                    int at = p;
                    assertArrayEquals(stored(rows[p], (HEADS + h) * dim, dim), Arrays.copyOfRange(keys[p], h * dim, (h + 1) * dim), () -> "key " + at);
                    assertArrayEquals(stored(rows[p], (HEADS + KV_HEADS + h) * dim, dim), Arrays.copyOfRange(values[p], h * dim, (h + 1) * dim), () -> "value " + at);
                }
            }
            int last = (LENGTH - 1) / OpsFixture.LIMITS.maxTokens() * OpsFixture.LIMITS.maxTokens();
            for (int p : new int[] {last, LENGTH - 1}) {
                assertClose(attention(rows[p], keys, values, p, dim), f.test.read(out, p - last), 4, 64 + Math.sqrt(p * dim), "position " + p);
            }
        }
    }

    private static double[] attention(float[] row, float[][] keys, float[][] values, int position, int dim) {
        double[] out = new double[HEADS * dim];
        for (int h = 0; h < HEADS; h++) {
            int kv = h / (HEADS / KV_HEADS) * dim;
            double[] weights = new double[position + 1];
            double sum = 0;
            for (int p = 0; p <= position; p++) {
                double dot = 0;
                for (int i = 0; i < dim; i++) dot += (double) row[h * dim + i] * keys[p][kv + i];
                weights[p] = Math.exp(dot * shape(dim).scale());
                sum += weights[p];
            }
            for (int p = 0; p <= position; p++) for (int i = 0; i < dim; i++) out[h * dim + i] += weights[p] / sum * values[p][kv + i];
        }
        return out;
    }

    @ParameterizedTest
    @MethodSource("devicesAndWidths")
    void whatIsNotFiniteStaysNotANumber(TestDevices.Factory factory, int dim) {
        try (OpsFixture f = fixture(factory, dim)) {
            Weight table = still(f, dim);
            float[][] rows = random(1, 2, shape(dim).qkvCols());
            rows[0][HEADS * dim] = Float.NaN;
            rows[1][(HEADS + KV_HEADS) * dim + dim - 1] = Float.POSITIVE_INFINITY;
            f.upload(b -> chunk(b, 0, 2));
            f.ops.ropeStore(shape(dim), f.buffer(rows), table, 1);
            assertTrue(Float.isNaN(f.test.keys(f.cache, 1, block(0), 0)[0]));
            assertTrue(Float.isNaN(f.test.values(f.cache, 1, block(0), 1)[dim - 1]));
            assertTrue(Float.isFinite(f.test.keys(f.cache, 1, block(0), 0)[dim]));
        }
    }

    @ParameterizedTest
    @MethodSource("devicesAndWidths")
    void blocksAreCopiedWhole(TestDevices.Factory factory, int dim) {
        try (OpsFixture f = fixture(factory, dim)) {
            Weight table = still(f, dim);
            f.upload(b -> chunk(b, 0, BLOCK_TOKENS));
            for (int layer = 0; layer < 2; layer++) f.ops.ropeStore(shape(dim), f.buffer(random(layer, BLOCK_TOKENS, shape(dim).qkvCols())), table, layer);
            f.upload(b -> b.copyBlock(block(0), 60));
            f.ops.copyBlocks();
            for (int layer = 0; layer < 2; layer++) {
                for (int t = 0; t < BLOCK_TOKENS; t++) {
                    assertArrayEquals(f.test.keys(f.cache, layer, block(0), t), f.test.keys(f.cache, layer, 60, t));
                    assertArrayEquals(f.test.values(f.cache, layer, block(0), t), f.test.values(f.cache, layer, 60, t));
                }
            }
        }
    }

    @Test
    void aPlanCountsIntegersAndScales() {
        assertEquals(2L * 3 * 2 * (64 + 2 * 2), new KvGroup(3, 2, 64, 16, DType.Q8_0).bytesPerToken());
        assertEquals(2L * 3 * 2 * (40 + 2 * 2), new KvGroup(3, 2, 40, 16, DType.Q8_0).bytesPerToken());
    }
}
