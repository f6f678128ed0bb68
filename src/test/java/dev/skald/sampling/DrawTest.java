package dev.skald.sampling;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class DrawTest {
    private static final long SEED = 99_017;
    private static final int DRAWS = 100_000;

    @Test
    void draws_over_positions_follow_the_distribution() {
        float[] row = {0, 1, 2, 0.5f, -1, 1.5f, -3, 2.5f};
        chiSquared(row, Fixtures.params(1, 0, 1, 0), true);
    }

    @Test
    void draws_over_seeds_follow_the_distribution() {
        float[] row = {0, 1, 2, 0.5f, -1, 1.5f, -3, 2.5f};
        chiSquared(row, Fixtures.params(0.8f, 0, 1, 0), false);
    }

    @Test
    void draws_follow_what_the_filters_left() {
        float[] row = {0, 1, 2, 0.5f, -1, 1.5f, -3, 2.5f, Float.NEGATIVE_INFINITY};
        chiSquared(row, Fixtures.params(1.5f, 6, 0.9f, 0.1f), true);
    }

    @Test
    void greedy_takes_the_greatest_and_of_equals_the_lowest_id() {
        assertEquals(1, draw(Fixtures.params(0, 0, 1, 0), 0, 3, 3, -1));
        assertEquals(0, draw(Fixtures.params(0, 5, 0.1f, 0.9f), -0f, 0f, -5));
        assertEquals(2, draw(SamplingParams.GREEDY, Float.NEGATIVE_INFINITY, -Float.MAX_VALUE, -1e38f));
    }

    @Test
    void a_very_small_temperature_is_greedy_but_for_exact_ties() {
        SamplingParams cold = Fixtures.params(Float.MIN_VALUE, 0, 1, 0);
        for (int seed = 0; seed < 50; seed++) {
            SlotState state = Fixtures.state(3, cold, seed, 0);
            assertEquals(2, new Sampler(3).sample(Fixtures.segment(-Float.MAX_VALUE, 1, Math.nextUp(1f)), 0, state, 9));
        }
    }

    @Test
    void the_same_seed_choice_and_position_give_the_same_token_wherever_the_row_lies() {
        SplittableRandom random = new SplittableRandom(SEED);
        int n = 1000;
        Sampler fresh = new Sampler(n);
        Sampler used = new Sampler(n);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment many = arena.allocate(4L * n * 8, 4);
            for (int round = 0; round < 100; round++) {
                float[] row = Fixtures.logits(random, n);
                int place = random.nextInt(8);
                for (int r = 0; r < 8; r++) {
                    float[] other = r == place ? row : Fixtures.logits(random, n);
                    MemorySegment.copy(other, 0, many, ValueLayout.JAVA_FLOAT, 4L * n * r, n);
                }
                SamplingParams params = Fixtures.params(0.9f, 40, 0.95f, 0.01f);
                SlotState state = Fixtures.state(n, params, random.nextLong(), round);
                int alone = fresh.sample(Fixtures.segment(row), 0, state, round);
                used.sample(many, 4L * n * ((place + 1) % 8), state, round);
                assertEquals(alone, used.sample(many, 4L * n * place, state, round), "round " + round + ", seed " + SEED);
            }
        }
    }

    @Test
    void permuting_the_vocabulary_permutes_the_candidates() {
        SplittableRandom random = new SplittableRandom(SEED);
        int n = 500;
        float[] row = new float[n];
        for (int i = 0; i < n; i++) row[i] = (float) random.nextGaussian() * 3; // no two alike, so no tie asks for the id
        int[] identity = new int[n];
        for (int i = 0; i < n; i++) identity[i] = i;
        int[] to = identity.clone();
        for (int i = n - 1; i > 0; i--) {
            int j = random.nextInt(i + 1);
            int t = to[i];
            to[i] = to[j];
            to[j] = t;
        }
        float[] permuted = new float[n];
        for (int i = 0; i < n; i++) permuted[to[i]] = row[i];
        SamplingParams params = Fixtures.params(0.9f, 60, 0.9f, 0.02f);
        assertEquals(weights(row, params, identity), weights(permuted, params, to), "seed " + SEED);
    }

    @Test
    void a_broken_row_and_an_empty_row_have_their_own_codes() {
        for (SamplingParams params : new SamplingParams[] {SamplingParams.GREEDY, Fixtures.OFF, Fixtures.params(1, 1, 0.5f, 0.5f)}) {
            assertEquals(Sampler.INVALID, draw(params, 1, Float.NaN, 2));
            assertEquals(Sampler.INVALID, draw(params, Float.NaN, 1, 2));
            assertEquals(Sampler.INVALID, draw(params, 1, 2, Float.NaN));
            assertEquals(Sampler.INVALID, draw(params, 1, Float.POSITIVE_INFINITY, 2));
            assertEquals(Sampler.NOTHING_LEFT, draw(params, Float.NEGATIVE_INFINITY, Float.NEGATIVE_INFINITY));
        }
    }

    private static int draw(SamplingParams params, float... row) {
        return new Sampler(row.length).sample(Fixtures.segment(row), 0, Fixtures.state(row.length, params), 5);
    }

    private static Map<Integer, Long> weights(float[] row, SamplingParams params, int[] to) {
        Sampler sampler = new Sampler(row.length);
        int[] back = new int[row.length];
        for (int i = 0; i < back.length; i++) back[to[i]] = i;
        Map<Integer, Long> weights = new TreeMap<>();
        int n = sampler.candidates(Fixtures.segment(row), 0, params);
        for (int i = 0; i < n; i++) weights.put(back[sampler.candidateId(i)], sampler.candidateWeight(i));
        return weights;
    }

    private static void chiSquared(float[] row, SamplingParams params, boolean overPositions) {
        Sampler sampler = new Sampler(row.length);
        MemorySegment segment = Fixtures.segment(row);
        int n = sampler.candidates(segment, 0, params);
        double[] expected = new double[row.length];
        double total = 0;
        for (int i = 0; i < n; i++) total += sampler.candidateWeight(i);
        for (int i = 0; i < n; i++) expected[sampler.candidateId(i)] = DRAWS * (sampler.candidateWeight(i) / total);
        int[] seen = new int[row.length];
        SlotState state = Fixtures.state(row.length, params, SEED, 0);
        for (int d = 0; d < DRAWS; d++) {
            if (!overPositions) state.reset(new SlotSetup(params, SEED + d, 1, 0, List.of(), new int[0], new int[0]));
            seen[sampler.sample(segment, 0, state, overPositions ? d : 11)]++;
        }
        double chi = 0;
        for (int id = 0; id < row.length; id++) {
            if (expected[id] == 0) assertEquals(0, seen[id], "token " + id + " was filtered, seed " + SEED);
            else chi += (seen[id] - expected[id]) * (seen[id] - expected[id]) / expected[id];
        }
        // Wilson and Hilferty: the cube root of χ²/df is nearly normal; 3.1 standard deviations are one in a thousand.
        int df = n - 1;
        double limit = df * Math.pow(1 - 2.0 / (9 * df) + 3.1 * Math.sqrt(2.0 / (9 * df)), 3);
        double found = chi;
        assertTrue(chi < limit, () -> "χ² " + found + " exceeds " + limit + " with " + df + " degrees of freedom, seed " + SEED);
    }
}
