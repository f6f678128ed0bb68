package dev.skald.compute;

import static dev.skald.compute.OpsFixture.BLOCK_TOKENS;
import static dev.skald.compute.OpsFixture.assertClose;
import static dev.skald.compute.OpsFixture.random;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.skald.tensor.Buffer;
import dev.skald.tensor.DType;
import dev.skald.tensor.Elements;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Operations on the cache, on every device, against formulas in double that know no blocks, chunks or splits. */
class AttentionOpsTest {
    private static final int HEADS = 4;
    private static final int KV_HEADS = 2;
    private static final int DIM = 6;
    private static final int LAYERS = 2;
    private static final AttentionShape SHAPE = new AttentionShape(HEADS, KV_HEADS, DIM, 0.4f);
    /** Beyond one split of 256 positions, and neither a multiple of it nor of a block. */
    private static final int LENGTH = 2 * 256 - 37;
    private static final int CHUNK = 40;

    static Stream<Arguments> devicesAndTypes() {
        return TestDevices.all().flatMap(d -> Stream.of(DType.F32, DType.F16, DType.BF16).map(t -> Arguments.of(d, t)));
    }

    private static OpsFixture fixture(TestDevices.Factory factory, DType dtype) {
        return new OpsFixture(factory, new KvGroup(LAYERS, KV_HEADS, DIM, BLOCK_TOKENS, dtype));
    }

    /** Block of a slot's table at an index: every slot has its own, and none is in order. */
    private static int block(int slot, int index) {
        return (slot * 32 + index * 7 + 3) % 64;
    }

    private static void chunk(Batch b, int slot, int from, int to) {
        for (int i = 0; i < Math.ceilDiv(to, BLOCK_TOKENS); i++) b.tableChange(slot, i, block(slot, i));
        b.beginSequence(slot, to);
        for (int p = from; p < to; p++) b.token(0, p);
    }

    /** [positions, DIM]: cosines and sines of angles that no formula gives. */
    private static float[][] ropeTable() {
        float[][] table = new float[LENGTH][DIM];
        for (int p = 0; p < LENGTH; p++) {
            for (int i = 0; i < DIM / 2; i++) {
                table[p][i] = (float) Math.cos(p * (0.3 + i));
                table[p][DIM / 2 + i] = (float) Math.sin(p * (0.3 + i));
            }
        }
        return table;
    }

    private static Weight packed(OpsFixture f, float[][] table) {
        return f.device.pack(WeightRole.ROPE_TABLE, List.of(OpsFixture.matrix(table)));
    }

    /** @param at first element of a head */
    private static double[] rotated(float[] row, int at, float[] angles) {
        double[] out = new double[DIM];
        int half = DIM / 2;
        for (int i = 0; i < half; i++) {
            out[i] = (double) row[at + i] * angles[i] - (double) row[at + half + i] * angles[half + i];
            out[half + i] = (double) row[at + half + i] * angles[i] + (double) row[at + i] * angles[half + i];
        }
        return out;
    }

    @ParameterizedTest
    @MethodSource("devicesAndTypes")
    void ropeStoreTurnsQueriesAndKeysAndStoresInTheCachesType(TestDevices.Factory factory, DType dtype) {
        try (OpsFixture f = fixture(factory, dtype)) {
            float[][] table = ropeTable();
            float[][] rows = random(1, 7, SHAPE.qkvCols());
            Buffer qkv = f.buffer(rows);
            Weight angles = packed(f, table);
            f.upload(b -> {
                chunk(b, 0, 14, 18); // crosses a block
                chunk(b, 2, 0, 3);
            });
            f.ops.ropeStore(SHAPE, qkv, angles, 1);
            int[] slots = {0, 0, 0, 0, 2, 2, 2};
            int[] positions = {14, 15, 16, 17, 0, 1, 2};
            for (int t = 0; t < 7; t++) {
                float[] q = f.test.read(qkv, t);
                for (int h = 0; h < HEADS; h++) {
                    double[] expected = rotated(rows[t], h * DIM, table[positions[t]]);
                    assertClose(expected, Arrays.copyOfRange(q, h * DIM, (h + 1) * DIM), 4, 4, "query");
                }
                int block = block(slots[t], positions[t] / BLOCK_TOKENS);
                checkStored(f, dtype, rows[t], table[positions[t]], block, positions[t] % BLOCK_TOKENS);
            }
            assertTrue(Float.isNaN(f.test.keys(f.cache, 0, block(0, 0), 14)[0]) || dtypeKeepsNoNan(f), "layer 0 was written to");
        }
    }

    /** A pool that doesn't start as NaN starts as zeros. */
    private static boolean dtypeKeepsNoNan(OpsFixture f) {
        return f.test.keys(f.cache, 0, block(0, 0), 14)[0] == 0;
    }

    private static void checkStored(OpsFixture f, DType dtype, float[] row, float[] angles, int block, int inBlock) {
        float[] keys = f.test.keys(f.cache, 1, block, inBlock);
        float[] values = f.test.values(f.cache, 1, block, inBlock);
        double unit = dtype == DType.F32 ? 1 : dtype == DType.F16 ? 0x1p13 : 0x1p16;
        for (int h = 0; h < KV_HEADS; h++) {
            double[] expected = rotated(row, (HEADS + h) * DIM, angles);
            assertClose(expected, Arrays.copyOfRange(keys, h * DIM, (h + 1) * DIM), 4, 4 + unit, "key");
            for (int i = 0; i < DIM; i++) {
                assertEquals(Elements.round(dtype, row[(HEADS + KV_HEADS + h) * DIM + i]), values[h * DIM + i], "value");
                assertEquals(Elements.round(dtype, keys[h * DIM + i]), keys[h * DIM + i], "a stored key is of the cache's type");
            }
        }
    }

    /** Stores a long context in chunks in two slots at once, then compares what the last chunk's tokens attend to. */
    @ParameterizedTest
    @MethodSource("devicesAndTypes")
    void attentionIsTheSoftmaxOverAllTokensUpToItself(TestDevices.Factory factory, DType dtype) {
        try (OpsFixture f = fixture(factory, dtype)) {
            float[][] rows = random(2, LENGTH, SHAPE.qkvCols());
            float[][] still = new float[LENGTH][DIM]; // angle 0: nothing turns
            for (float[] row : still) Arrays.fill(row, 0, DIM / 2, 1);
            Weight table = packed(f, still);
            Buffer out = f.buffer(CHUNK, HEADS * DIM);
            for (int from = 0; from < LENGTH; from += CHUNK) {
                int begin = from;
                int end = Math.min(from + CHUNK, LENGTH);
                Buffer qkv = f.buffer(Arrays.copyOfRange(rows, begin, end));
                f.upload(b -> chunk(b, 1, begin, end));
                f.ops.ropeStore(SHAPE, qkv, table, 0);
                f.ops.attention(SHAPE, qkv, 0, out);
                for (int t : new int[] {0, (end - begin) / 2, end - begin - 1}) {
                    double[] expected = attention(rows, begin + t, dtype);
                    assertClose(expected, f.test.read(out, t), 4, 64 + Math.sqrt(begin + t), "position " + (begin + t));
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("dev.skald.compute.TestDevices#all")
    void aHugeScoreNeitherOverflowsNorLeaks(TestDevices.Factory factory) {
        try (OpsFixture f = fixture(factory, DType.F32)) {
            float[][] rows = new float[3][SHAPE.qkvCols()];
            Arrays.fill(rows[2], 0, HEADS * DIM, 1000);
            Arrays.fill(rows[1], HEADS * DIM, (HEADS + KV_HEADS) * DIM, 1000);
            Arrays.fill(rows[0], HEADS * DIM, (HEADS + KV_HEADS) * DIM, -1000);
            for (int t = 0; t < 3; t++) Arrays.fill(rows[t], (HEADS + KV_HEADS) * DIM, SHAPE.qkvCols(), t + 1);
            float[][] still = new float[3][DIM];
            for (float[] row : still) Arrays.fill(row, 0, DIM / 2, 1);
            Buffer qkv = f.buffer(rows);
            Buffer out = f.buffer(3, HEADS * DIM);
            Weight angles = packed(f, still);
            f.upload(b -> chunk(b, 0, 0, 3));
            f.ops.ropeStore(SHAPE, qkv, angles, 0);
            f.ops.attention(SHAPE, qkv, 0, out);
            float[] two = new float[HEADS * DIM];
            Arrays.fill(two, 2);
            assertArrayEquals(two, f.test.read(out, 2));
        }
    }

    private static double[] attention(float[][] rows, int position, DType dtype) {
        double[] out = new double[HEADS * DIM];
        for (int h = 0; h < HEADS; h++) {
            int key = (HEADS + h / (HEADS / KV_HEADS)) * DIM;
            int value = key + KV_HEADS * DIM;
            double[] weights = new double[position + 1];
            double sum = 0;
            for (int p = 0; p <= position; p++) {
                double dot = 0;
                for (int i = 0; i < DIM; i++) dot += (double) rows[position][h * DIM + i] * Elements.round(dtype, rows[p][key + i]);
                weights[p] = Math.exp(dot * SHAPE.scale());
                sum += weights[p];
            }
            for (int p = 0; p <= position; p++) {
                for (int i = 0; i < DIM; i++) out[h * DIM + i] += weights[p] / sum * Elements.round(dtype, rows[p][value + i]);
            }
        }
        return out;
    }

    @ParameterizedTest
    @MethodSource("devicesAndTypes")
    void copyBlocksCopiesKeysAndValuesInAllLayers(TestDevices.Factory factory, DType dtype) {
        try (OpsFixture f = fixture(factory, dtype)) {
            Weight table = packed(f, ropeTable());
            f.upload(b -> chunk(b, 0, 0, BLOCK_TOKENS));
            for (int layer = 0; layer < LAYERS; layer++) f.ops.ropeStore(SHAPE, f.buffer(random(layer, BLOCK_TOKENS, SHAPE.qkvCols())), table, layer);
            int source = block(0, 0);
            f.upload(b -> {
                b.copyBlock(source, 60);
                b.copyBlock(source, 0);
            });
            f.ops.copyBlocks();
            for (int target : new int[] {60, 0}) {
                for (int layer = 0; layer < LAYERS; layer++) {
                    for (int t = 0; t < BLOCK_TOKENS; t++) {
                        float[] keys = f.test.keys(f.cache, layer, source, t);
                        assertTrue(keys[0] != 0 && !Float.isNaN(keys[0]));
                        assertArrayEquals(keys, f.test.keys(f.cache, layer, target, t));
                        assertArrayEquals(f.test.values(f.cache, layer, source, t), f.test.values(f.cache, layer, target, t));
                    }
                }
            }
        }
    }
}
