package dev.skald.sampling;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.MemorySegment;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

/** The exact set of tokens that may be drawn, and the token drawn, against a reference that sorts everything and counts in BigInteger. */
class CandidatesTest {
    private static final long SEED = 7_331;

    record Candidate(int id, float logit, BigInteger weight) {}

    @Test
    void top_k_keeps_the_reference_set() {
        compare(1, random -> Fixtures.params(temperature(random), 1 + random.nextInt(60), 1, 0));
    }

    @Test
    void top_k_of_a_large_vocabulary_keeps_the_reference_set() {
        compare(6, 60, 2_000, 20_000, random -> Fixtures.params(temperature(random), 1 + random.nextInt(random.nextBoolean() ? 8 : 3_000), 1, 0));
    }

    @Test
    void top_p_keeps_the_reference_set() {
        compare(2, random -> Fixtures.params(temperature(random), 0, share(random), 0));
    }

    @Test
    void min_p_keeps_the_reference_set() {
        compare(3, random -> Fixtures.params(temperature(random), 0, 1, share(random)));
    }

    @Test
    void all_filters_together_keep_the_reference_set_in_the_pinned_order() {
        compare(4, random -> Fixtures.params(temperature(random), random.nextInt(60), share(random), random.nextBoolean() ? 0 : share(random) / 8));
    }

    @Test
    void temperature_alone_keeps_every_token_with_a_weight() {
        compare(5, random -> Fixtures.params(temperature(random), 0, 1, 0));
    }

    @Test
    void of_equal_tokens_the_lowest_ids_stay() {
        float[] row = {1, 2, 2, 2, 1, 2};
        assertEquals(List.of(1, 2), ids( row, Fixtures.params(1, 2, 1, 0)));
        assertEquals(List.of(0, 1, 2, 3, 5), ids(row, Fixtures.params(1, 5, 1, 0)));
        assertEquals(List.of(1, 2), ids(new float[] {-50, 0, 0, 0, 0}, Fixtures.params(1, 0, 0.5f, 0)));
        assertEquals(List.of(1, 2, 3), ids(new float[] {-50, 0, 0, 0, 0}, Fixtures.params(1, 0, Math.nextUp(0.5f), 0)));
    }

    @Test
    void top_p_always_keeps_one() {
        assertEquals(List.of(2), ids(new float[] {0, 0.1f, 0.2f, 0}, Fixtures.params(1, 0, Float.MIN_VALUE, 0)));
        assertEquals(List.of(2), ids(new float[] {0, 0.1f, 0.2f, 0}, Fixtures.params(1, 0, 1, 1)));
    }

    @Test
    void a_large_vocabulary_of_equal_logits_is_cut_exactly() {
        int n = 152_064;
        float[] row = new float[n];
        Sampler sampler = new Sampler(n);
        assertEquals(n / 4, sampler.candidates(MemorySegment.ofArray(row), 0, Fixtures.params(1, 0, 0.25f, 0)));
        for (int i = 0; i < n / 4; i++) assertEquals(i, sampler.candidateId(i));
        assertEquals(1000, sampler.candidates(MemorySegment.ofArray(row), 0, Fixtures.params(1, 1000, 1, 0)));
        assertEquals(999, sampler.candidateId(999));
    }

    private static void compare(int salt, Function<SplittableRandom, SamplingParams> draw) {
        compare(salt, 600, 1, 300, draw);
    }

    private static void compare(int salt, int rounds, int leastSize, int mostSize, Function<SplittableRandom, SamplingParams> draw) {
        SplittableRandom random = new SplittableRandom(SEED + salt);
        for (int round = 0; round < rounds; round++) {
            int n = random.nextInt(leastSize, mostSize + 1);
            float[] row = Fixtures.logits(random, n);
            SamplingParams params = draw.apply(random);
            String where = "round " + round + ", seed " + (SEED + salt) + ", " + params;
            List<Candidate> expected = reference(row, params);
            Sampler sampler = new Sampler(n);
            MemorySegment segment = Fixtures.segment(row);
            int count = sampler.candidates(segment, 0, params);
            List<Candidate> actual = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                int id = sampler.candidateId(i);
                actual.add(new Candidate(id, row[id], BigInteger.valueOf(sampler.candidateWeight(i))));
            }
            assertEquals(expected, actual, where);
            for (int position = 0; position < 5; position++) {
                SlotState state = Fixtures.state(n, params, random.nextLong(), random.nextInt(8));
                assertEquals(drawn(expected, state, position), sampler.sample(segment, 0, state, position), where);
            }
        }
    }

    private static List<Candidate> reference(float[] row, SamplingParams params) {
        float max = Float.NEGATIVE_INFINITY;
        for (float logit : row) max = Math.max(max, logit);
        List<Candidate> kept = new ArrayList<>();
        for (int id = 0; id < row.length; id++) {
            double x = ((double) row[id] - (double) max) * (1.0 / params.temperature());
            kept.add(new Candidate(id, row[id] + 0f, BigInteger.valueOf(Weights.weight(x))));
        }
        if (params.topK() > 0) {
            kept.sort(Comparator.comparing(Candidate::logit).reversed().thenComparing(Candidate::id));
            kept = new ArrayList<>(kept.subList(0, Math.min(params.topK(), kept.size())));
        }
        kept.removeIf(c -> c.weight().signum() == 0);
        if (params.topP() < 1) {
            BigInteger target = share(params.topP(), sum(kept));
            kept.sort(Comparator.comparing(Candidate::weight).reversed().thenComparing(Candidate::id));
            int n = 1;
            while (sum(kept.subList(0, n)).compareTo(target) < 0) n++;
            kept = new ArrayList<>(kept.subList(0, n));
        }
        if (params.minP() > 0) {
            BigInteger least = share(params.minP(), BigInteger.ONE.shiftLeft(40));
            kept.removeIf(c -> c.weight().compareTo(least) < 0);
        }
        kept.sort(Comparator.comparing(Candidate::id));
        kept.replaceAll(c -> new Candidate(c.id(), row[c.id()], c.weight()));
        return kept;
    }

    private static int drawn(List<Candidate> candidates, SlotState state, int position) {
        BigInteger bits = new BigInteger(Long.toUnsignedString(Philox.bits(state.seed(), state.choice(), position, 0)));
        BigInteger u = bits.multiply(sum(candidates)).shiftRight(64);
        BigInteger running = BigInteger.ZERO;
        for (Candidate c : candidates) {
            running = running.add(c.weight());
            if (running.compareTo(u) > 0) return c.id();
        }
        throw new AssertionError("no candidate");
    }

    private static BigInteger sum(List<Candidate> candidates) {
        return candidates.stream().map(Candidate::weight).reduce(BigInteger.ZERO, BigInteger::add);
    }

    private static BigInteger share(float p, BigInteger total) {
        return new BigDecimal(p).multiply(new BigDecimal(total)).setScale(0, RoundingMode.CEILING).toBigIntegerExact();
    }

    private static float temperature(SplittableRandom random) {
        float[] special = {1, 0.7f, 1.3f, 100, 0.01f, Float.MIN_VALUE};
        return special[random.nextInt(special.length)];
    }

    private static float share(SplittableRandom random) {
        float[] special = {1, 0.95f, 0.5f, 1e-6f, Math.nextDown(1f)};
        int pick = random.nextInt(special.length * 2);
        return pick < special.length ? special[pick] : Math.max(Float.MIN_VALUE, (float) random.nextDouble());
    }

    private static List<Integer> ids(float[] row, SamplingParams params) {
        Sampler sampler = new Sampler(row.length);
        int n = sampler.candidates(Fixtures.segment(row), 0, params);
        List<Integer> ids = new ArrayList<>();
        for (int i = 0; i < n; i++) ids.add(sampler.candidateId(i));
        return ids;
    }
}
