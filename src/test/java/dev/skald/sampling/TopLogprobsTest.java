package dev.skald.sampling;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Comparator;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class TopLogprobsTest {
    private static final long SEED = 31_337;

    @Test
    void logprobs_ranks_and_the_most_likely_agree_with_a_sorted_reference() {
        SplittableRandom random = new SplittableRandom(SEED);
        for (int round = 0; round < 300; round++) {
            int n = 1 + random.nextInt(400);
            float[] row = Fixtures.logits(random, n);
            int token = random.nextInt(n);
            int top = random.nextInt(21);
            LogprobTable table = new LogprobTable(3, 20);
            String where = "round " + round + ", seed " + SEED;
            assertTrue(new Sampler(n).topLogprobs(Fixtures.segment(row), 0, token, top, table, 1), where);

            double max = IntStream.range(0, n).mapToDouble(i -> row[i]).max().orElseThrow();
            double sum = IntStream.range(0, n).mapToDouble(i -> StrictMath.exp(row[i] - max)).sum();
            double logSum = StrictMath.log(sum);
            List<Integer> order = IntStream.range(0, n).boxed()
                    .sorted(Comparator.comparing((Integer i) -> row[i] + 0f).reversed().thenComparing(i -> i)).toList();
            near(row[token] - max - logSum, table.logprob(1), where);
            assertEquals(order.indexOf(token) + 1, table.rank(1), where);
            for (int k = 0; k < Math.min(top, n); k++) {
                assertEquals(order.get(k), table.topToken(1, k), where);
                near(row[order.get(k)] - max - logSum, table.topLogprob(1, k), where);
            }
        }
    }

    @Test
    void equal_logits_share_a_logprob_and_rank_by_id() {
        LogprobTable table = new LogprobTable(1, 3);
        Sampler sampler = new Sampler(4);
        assertTrue(sampler.topLogprobs(Fixtures.segment(2, 2, 2, 2), 0, 2, 3, table, 0));
        assertEquals((float) -StrictMath.log(4), table.logprob(0));
        assertEquals(3, table.rank(0));
        for (int k = 0; k < 3; k++) {
            assertEquals(k, table.topToken(0, k));
            assertEquals(table.logprob(0), table.topLogprob(0, k));
        }
    }

    @Test
    void a_token_that_cannot_come_has_minus_infinity_and_a_rank_behind() {
        LogprobTable table = new LogprobTable(1, 0);
        assertTrue(new Sampler(3).topLogprobs(Fixtures.segment(0, Float.NEGATIVE_INFINITY, -1), 0, 1, 0, table, 0));
        assertEquals(Float.NEGATIVE_INFINITY, table.logprob(0));
        assertEquals(3, table.rank(0));
    }

    @Test
    void a_row_without_a_distribution_has_none() {
        LogprobTable table = new LogprobTable(1, 1);
        Sampler sampler = new Sampler(2);
        assertFalse(sampler.topLogprobs(Fixtures.segment(0, Float.NaN), 0, 0, 1, table, 0));
        assertFalse(sampler.topLogprobs(Fixtures.segment(Float.POSITIVE_INFINITY, 0), 0, 0, 1, table, 0));
        assertFalse(sampler.topLogprobs(Fixtures.segment(Float.NEGATIVE_INFINITY, Float.NEGATIVE_INFINITY), 0, 0, 1, table, 0));
    }

    private static void near(double expected, float actual, String where) {
        if (Double.isInfinite(expected)) assertEquals((float) expected, actual, where);
        else assertEquals(expected, actual, 1e-6 + Math.abs(expected) * 0x1p-23, where);
    }
}
