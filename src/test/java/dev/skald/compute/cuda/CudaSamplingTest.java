package dev.skald.compute.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.skald.compute.Batch;
import dev.skald.compute.BatchLimits;
import dev.skald.compute.KvGroup;
import dev.skald.compute.StepOutput;
import dev.skald.compute.TestDevice;
import dev.skald.compute.reference.ReferenceTestDevice;
import dev.skald.sampling.SamplingParams;
import dev.skald.sampling.SlotSetup;
import dev.skald.tensor.Buffer;
import dev.skald.tensor.DType;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Given the same logits, the CUDA device adjusts, draws and reports bitwise what the sampler's definition does, step after step. */
class CudaSamplingTest {
    private static final int SLOTS = 24;
    private static final int STEPS = 6;
    private static final int TOP = 5;

    @BeforeEach
    void needsTheDevice() {
        SimCuda.use();
    }

    /** One device with slots that draw from rows of logits. */
    private static final class Drawer implements AutoCloseable {
        private final TestDevice test;
        private final int vocabulary;
        private final Batch batch;
        private final StepOutput output;
        private final Buffer logits;
        private final Buffer adjusted;

        Drawer(TestDevice test, int vocabulary) {
            this.test = test;
            this.vocabulary = vocabulary;
            BatchLimits limits = new BatchLimits(SLOTS, SLOTS, SLOTS, 4, TOP);
            batch = test.device().batch(limits);
            output = test.device().output(limits);
            logits = test.device().buffer(DType.F32, SLOTS, vocabulary);
            adjusted = test.device().buffer(DType.F32, SLOTS, vocabulary);
            test.device().start(limits, test.device().kvCache(List.of(new KvGroup(1, 1, 2, 16, DType.F32)), 4), vocabulary);
        }

        /** @return for each row: adjusted logits, token, and the bits of what was reported */
        List<Object> step(float[][] rows, int position, int[] targets) {
            batch.clear();
            for (int slot = 0; slot < rows.length; slot++) {
                test.write(logits, slot, rows[slot]);
                batch.beginSequence(slot, position + 1);
                batch.row(batch.token(0, position), slot, targets[slot], slot % (TOP + 2) - 1);
            }
            test.device().upload(batch);
            test.device().ops().adjustLogits(logits, adjusted);
            test.device().ops().sample(adjusted, output);
            test.device().ops().topLogprobs(logits, output);
            test.device().await(output);
            List<Object> seen = new ArrayList<>();
            for (int r = 0; r < rows.length; r++) seen.add(row(r, targets[r]));
            return seen;
        }

        private List<Object> row(int r, int target) {
            List<Object> row = new ArrayList<>(List.of(output.token(r)));
            if (target < 0) for (float v : test.read(adjusted, r)) row.add(Float.floatToIntBits(v));
            int top = r % (TOP + 2) - 1;
            if (top < 0 || output.invalid(r)) return row;
            row.add(Float.floatToIntBits(output.logprob(r)));
            row.add(output.rank(r));
            for (int k = 0; k < Math.min(top, vocabulary); k++) row.addAll(List.of(output.topToken(r, k), Float.floatToIntBits(output.topLogprob(r, k))));
            return row;
        }

        @Override
        public void close() {
            test.close();
        }
    }

    private static SlotSetup setup(Random random, int vocabulary) {
        Map<Integer, Float> bias = new HashMap<>();
        List<Integer> allowed = new ArrayList<>();
        List<List<Integer>> banned = new ArrayList<>();
        if (random.nextInt(3) == 0) for (int i = 0; i < 4; i++) bias.put(random.nextInt(vocabulary), random.nextFloat() * 20 - 10);
        if (random.nextInt(4) == 0) for (int i = 0; i < vocabulary / 2 + 1; i++) allowed.add(random.nextInt(vocabulary));
        for (int i = random.nextInt(2) * 4; i > 0; i--) banned.add(random.ints(1 + random.nextInt(2), 0, vocabulary).boxed().toList());
        boolean penalties = random.nextBoolean();
        SamplingParams params = new SamplingParams(
                random.nextInt(5) == 0 ? 0 : 0.1f + 2 * random.nextFloat(),
                random.nextInt(3) == 0 ? 1 + random.nextInt(vocabulary) : 0,
                random.nextBoolean() ? 0.05f + 0.9f * random.nextFloat() : 1,
                random.nextInt(3) == 0 ? random.nextFloat() * 0.3f : 0,
                penalties ? 0.5f + random.nextFloat() : 1,
                penalties ? random.nextFloat() - 0.5f : 0,
                penalties ? random.nextFloat() - 0.5f : 0,
                bias, allowed, banned);
        int[] prompt = random.ints(random.nextInt(20), 0, vocabulary).toArray();
        int[] generated = random.ints(random.nextInt(2) * random.nextInt(70), 0, vocabulary).toArray();
        List<Integer> ends = random.ints(random.nextInt(3), 0, vocabulary).boxed().toList();
        return new SlotSetup(params, random.nextLong(), random.nextInt(4), random.nextInt(4) + generated.length, ends, prompt, generated);
    }

    /** Of few different values, so that ties are everywhere; some −∞; seldom a NaN or +∞. */
    private static float[] logits(Random random, int vocabulary) {
        float[] row = new float[vocabulary];
        int coarse = random.nextInt(3);
        for (int i = 0; i < vocabulary; i++) {
            float v = (float) random.nextGaussian() * 4;
            row[i] = random.nextInt(15) == 0 ? Float.NEGATIVE_INFINITY : coarse == 0 ? Math.round(v) : coarse == 1 ? -Math.abs(v) * 30 : v;
            if (row[i] == 0 && random.nextBoolean()) row[i] = -0f;
        }
        if (random.nextInt(20) == 0) row[random.nextInt(vocabulary)] = random.nextBoolean() ? Float.NaN : Float.POSITIVE_INFINITY;
        return row;
    }

    @Test
    void tokensPenaltiesAndLogprobsAreBitwiseThoseOfTheDefinition() {
        for (int vocabulary : new int[] {1, 7, 255, 256, 1000, 4099}) {
            long seed = 100 + vocabulary;
            Random random = new Random(seed);
            try (Drawer expected = new Drawer(new ReferenceTestDevice(), vocabulary); Drawer actual = new Drawer(new CudaTestDevice(false), vocabulary)) {
                for (int slot = 0; slot < SLOTS; slot++) {
                    SlotSetup setup = setup(random, vocabulary);
                    expected.test.device().setSlot(slot, setup);
                    actual.test.device().setSlot(slot, setup);
                }
                for (int step = 0; step < STEPS; step++) {
                    float[][] rows = new float[SLOTS][];
                    int[] targets = new int[SLOTS];
                    for (int r = 0; r < SLOTS; r++) {
                        rows[r] = logits(random, vocabulary);
                        targets[r] = random.nextInt(8) == 0 ? random.nextInt(vocabulary) : -1;
                    }
                    List<Object> should = expected.step(rows, 100 + step, targets);
                    List<Object> is = actual.step(rows, 100 + step, targets);
                    for (int r = 0; r < SLOTS; r++) {
                        assertEquals(should.get(r), is.get(r), "vocabulary " + vocabulary + ", seed " + seed + ", step " + step + ", row " + r);
                    }
                }
            }
        }
    }

    @Test
    void aSlotIsTakenOverWithoutATraceOfItsLastSequence() {
        SamplingParams penal = new SamplingParams(1, 0, 1, 0, 2, 1, 1, Map.of(1, 5f), List.of(1, 2, 3), List.of(List.of(2)));
        try (Drawer cuda = new Drawer(new CudaTestDevice(false), 9)) {
            int[] sample = new int[1];
            sample[0] = -1;
            float[] row = {0, 1, 2, 3, 4, 5, 6, 7, 8};
            cuda.test.device().setSlot(0, new SlotSetup(penal, 1, 0, 9, List.of(3), new int[] {8, 7}, new int[] {3, 3}));
            cuda.step(new float[][] {row}, 3, sample);
            cuda.test.device().setSlot(0, new SlotSetup(SamplingParams.GREEDY, 1, 0, 0, List.of(), new int[0], new int[0]));
            cuda.step(new float[][] {row}, 3, sample);
            assertEquals(8, cuda.output.token(0));
            assertArrayEquals(row, cuda.test.read(cuda.adjusted, 0));
        }
    }
}
