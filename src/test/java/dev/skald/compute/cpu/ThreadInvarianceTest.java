package dev.skald.compute.cpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.skald.compute.AttentionShape;
import dev.skald.compute.Batch;
import dev.skald.compute.BatchLimits;
import dev.skald.compute.Device;
import dev.skald.compute.Epilogue;
import dev.skald.compute.KvCache;
import dev.skald.compute.KvGroup;
import dev.skald.compute.RowSet;
import dev.skald.compute.Weight;
import dev.skald.compute.WeightRole;
import dev.skald.tensor.Buffer;
import dev.skald.tensor.DType;
import dev.skald.tensor.Elements;
import dev.skald.tensor.Shape;
import dev.skald.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Work that is large enough to be cut: a row gives the same bits on 1, 2 and 3 threads, alone or among others, in any chunks. */
@Timeout(120)
class ThreadInvarianceTest {
    private static final int[] THREADS = {1, 2, 3};
    private static final long SEED = 3;
    private static final int IN = 1026;
    private static final int OUT = 333;

    /** What a test reads and writes through. */
    private record Rig(CpuTestDevice test, Batch batch, BatchLimits limits) implements AutoCloseable {
        static Rig open(String isa, int threads, BatchLimits limits) {
            CpuTestDevice test = isa.equals(JAVA) ? new CpuTestDevice(threads) : new CpuTestDevice(threads, isa);
            return new Rig(test, test.device().batch(limits), limits);
        }

        Device device() {
            return test.device();
        }

        Buffer buffer(int cols) {
            return device().buffer(DType.F32, limits.maxTokens(), cols);
        }

        void put(Buffer buffer, int row, float[] values) {
            test.write(buffer, row, values);
        }

        @Override
        public void close() {
            test.close();
        }
    }

    private static final String JAVA = "java";

    static Stream<Arguments> kernelsAndTypes() {
        return Stream.concat(Stream.of(JAVA), CpuTestDevice.nativeIsas().stream())
                .flatMap(isa -> Stream.of(DType.F32, DType.F16, DType.BF16).map(type -> Arguments.of(isa, type)));
    }

    private static float[] random(long seed, int n) {
        Random random = new Random(SEED * 1_000_003 + seed);
        float[] values = new float[n];
        for (int i = 0; i < n; i++) values[i] = (float) random.nextGaussian();
        return values;
    }

    @ParameterizedTest
    @MethodSource("kernelsAndTypes")
    void linear(String isa, DType type) {
        float[][] inputs = new float[53][];
        Arrays.setAll(inputs, r -> random(r, IN));
        float[][] alone = new float[inputs.length][];
        for (int threads : THREADS) {
            try (Rig rig = Rig.open(isa, threads, new BatchLimits(53, 53, 53, 1, 0)); Arena arena = Arena.ofShared()) {
                MemorySegment data = arena.allocate(type.bytes((long) IN * OUT));
                float[] values = random(99, IN * OUT);
                for (int i = 0; i < values.length; i++) Elements.set(type, data, i, values[i]);
                Weight weight = rig.device().pack(WeightRole.LINEAR, List.of(new Tensor("w", type, Shape.of(OUT, IN), data)));
                KvCache cache = rig.device().kvCache(List.of(new KvGroup(1, 1, 2, 16, DType.F16)), 1);
                rig.device().start(rig.limits, cache, 10);
                Buffer in = rig.buffer(IN);
                Buffer out = rig.buffer(OUT);
                for (int rows : new int[] {1, 2, 3, 5, 6, 11, 53}) {
                    for (int first = 0; first + rows <= inputs.length; first += rows == 1 ? 1 : 17) {
                        rig.batch.clear();
                        rig.batch.beginSequence(0, rows);
                        for (int r = 0; r < rows; r++) {
                            rig.batch.token(0, Math.min(r, 15));
                            rig.put(in, r, inputs[first + r]);
                        }
                        rig.device().upload(rig.batch);
                        rig.device().ops().linear(RowSet.TOKENS, weight, in, Epilogue.NONE, out);
                        for (int r = 0; r < rows; r++) {
                            float[] got = rig.test.read(out, r);
                            if (alone[first + r] == null) alone[first + r] = got;
                            assertArrayEquals(alone[first + r], got, type + ", row " + (first + r) + " among " + rows + ", " + threads + " threads");
                        }
                    }
                }
            }
        }
        double expected = 0;
        float[] values = random(99, IN * OUT);
        for (int i = 0; i < IN; i++) expected += (double) inputs[52][i] * Elements.round(type, values[332 * IN + i]);
        // An activation that is rounded to BF16 is off by its 512th part at most: a sum of so many normal products by a few of their root.
        double rounding = isa.equals("avx512") && type == DType.BF16 ? 4 * Math.sqrt(IN) * 0x1p-9 : 0;
        assertEquals(expected, alone[52][332], 32 * IN * 0x1p-24 + rounding);
    }

    private static final int HEADS = 8;
    private static final int KV_HEADS = 2;
    /** Not a multiple of 16 lanes. */
    private static final int DIM = 24;
    private static final AttentionShape SHAPE = new AttentionShape(HEADS, KV_HEADS, DIM, 0.2f);
    /** Long enough for a single token's splits to be divided among threads. */
    private static final int LENGTH = 20 * AttentionPlan.SPLIT_TOKENS + 21;
    private static final int ASKED = 40;

    @ParameterizedTest
    @MethodSource("kernelsAndTypes")
    void attention(String isa, DType type) {
        float[][] expected = new float[ASKED][];
        for (int threads : THREADS) {
            try (Rig rig = Rig.open(isa, threads, new BatchLimits(64, 3, 3, LENGTH / 16 + 1, 0))) {
                AttentionRun run = new AttentionRun(rig, type);
                for (int chunk : new int[] {1, 7, 40}) {
                    for (boolean crowd : new boolean[] {false, true}) {
                        float[][] got = run.attend(chunk, crowd);
                        for (int t = 0; t < ASKED; t++) {
                            if (expected[t] == null) expected[t] = got[t];
                            assertArrayEquals(expected[t], got[t], type + ", token " + t + " in chunks of " + chunk + ", crowd " + crowd
                                    + ", " + threads + " threads");
                        }
                    }
                }
                assertEquals(threads > 1, run.wasDivided, "whether a long sequence was divided on " + threads + " threads");
            }
        }
        double[] exact = exactly(type, LENGTH - 1);
        for (int i = 0; i < exact.length; i++) assertEquals(exact[i], expected[ASKED - 1][i], 1e-5, "element " + i);
    }

    private static float[] qkv(int position) {
        return random(position, SHAPE.qkvCols());
    }

    /** A long sequence in a pool that began as NaN, its keys and values stored; then its last tokens attend. */
    private static final class AttentionRun {
        private final Rig rig;
        private final Weight still;
        private final Buffer qkv;
        private final Buffer out;
        boolean wasDivided;

        AttentionRun(Rig rig, DType type) {
            this.rig = rig;
            int blocks = LENGTH / 16 + 2;
            KvCache cache = rig.device().kvCache(List.of(new KvGroup(1, KV_HEADS, DIM, 16, type)), blocks);
            MemorySegment pool = CpuKvCache.of(cache).memory();
            for (long i = 0; i < pool.byteSize() / type.bytes(); i++) Elements.set(type, pool, i, Float.NaN);
            MemorySegment angles = Arena.ofAuto().allocate(4L * LENGTH * DIM);
            for (int p = 0; p < LENGTH; p++) for (int i = 0; i < DIM / 2; i++) angles.set(ValueLayout.JAVA_FLOAT, 4L * (p * DIM + i), 1);
            still = rig.device().pack(WeightRole.ROPE_TABLE, List.of(new Tensor("rope", DType.F32, Shape.of(LENGTH, DIM), angles)));
            rig.device().start(rig.limits, cache, 10);
            qkv = rig.buffer(SHAPE.qkvCols());
            out = rig.buffer(HEADS * DIM);
            for (int from = 0; from < LENGTH; from += 64) {
                rig.batch.clear();
                // The long sequence takes all blocks but the last, from behind.
                for (int i = 0; from == 0 && i < blocks - 1; i++) rig.batch.tableChange(0, i, blocks - 2 - i);
                add(0, from, Math.min(LENGTH, from + 64), 0);
                rig.device().upload(rig.batch);
                rig.device().ops().ropeStore(SHAPE, qkv, still, 0);
            }
            rig.batch.clear();
            rig.batch.tableChange(2, 0, blocks - 1);
            rig.device().upload(rig.batch);
        }

        private int add(int slot, int from, int to, int row) {
            rig.batch.beginSequence(slot, to);
            for (int p = from; p < to; p++, row++) {
                rig.batch.token(0, p);
                rig.put(qkv, row, qkv(p));
            }
            return row;
        }

        float[][] attend(int chunk, boolean crowd) {
            float[][] rows = new float[ASKED][];
            for (int at = 0; at < ASKED; at += chunk) {
                int end = Math.min(ASKED, at + chunk);
                rig.batch.clear();
                int first = crowd ? add(2, 5, 9, 0) : 0;
                add(0, LENGTH - ASKED + at, LENGTH - ASKED + end, first);
                rig.device().upload(rig.batch);
                // Stored again: positions of later chunks hold what they held, those of the other sequence 0 … 4 are still NaN.
                rig.device().ops().ropeStore(SHAPE, qkv, still, 0);
                rig.device().ops().attention(SHAPE, qkv, 0, out);
                for (int t = at; t < end; t++) rows[t] = rig.test.read(out, first + t - at);
                if (crowd) assertTrue(Float.isNaN(rig.test.read(out, 0)[0]), "the other sequence saw no NaN: nothing was tested");
                wasDivided |= rig.test.dividedUnits() > 0;
            }
            return rows;
        }
    }

    private static double[] exactly(DType type, int position) {
        double[] out = new double[HEADS * DIM];
        float[] q = qkv(position);
        for (int h = 0; h < HEADS; h++) {
            int key = (HEADS + h / (HEADS / KV_HEADS)) * DIM;
            double sum = 0;
            double[] acc = new double[DIM];
            for (int p = 0; p <= position; p++) {
                float[] row = qkv(p);
                double dot = 0;
                for (int i = 0; i < DIM; i++) dot += (double) q[h * DIM + i] * Elements.round(type, row[key + i]);
                double weight = Math.exp(dot * SHAPE.scale());
                sum += weight;
                for (int i = 0; i < DIM; i++) acc[i] += weight * Elements.round(type, row[key + KV_HEADS * DIM + i]);
            }
            for (int i = 0; i < DIM; i++) out[h * DIM + i] = acc[i] / sum;
        }
        return out;
    }
}
