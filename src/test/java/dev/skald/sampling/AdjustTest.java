package dev.skald.sampling;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class AdjustTest {
    private static final float NEVER = Float.NEGATIVE_INFINITY;
    private static final long SEED = 4_242;

    @Test
    void without_filters_nothing_needs_adjusting_and_logits_pass_unchanged() {
        SlotState state = Fixtures.state(3, Fixtures.params(0.5f, 3, 0.9f, 0.1f));
        assertFalse(state.needsAdjustment());
        assertArrayEquals(new float[] {1, -2, 3}, adjusted(state, 1, -2, 3));
    }

    @Test
    void bias_is_added() {
        SlotState state = Fixtures.state(4, filters(Map.of(1, 2.5f, 3, -100f), List.of(), List.of()));
        assertTrue(state.needsAdjustment());
        assertArrayEquals(new float[] {1, 3.5f, 1, -99}, adjusted(state, 1, 1, 1, 1));
    }

    @Test
    void only_allowed_ids_are_left_with_their_bias() {
        SlotState state = Fixtures.state(70, filters(Map.of(69, 1f, 3, 5f), List.of(0, 69), List.of()));
        float[] row = new float[70];
        float[] expected = new float[70];
        Arrays.fill(expected, NEVER);
        expected[0] = 0;
        expected[69] = 1;
        assertArrayEquals(expected, adjusted(state, row));
    }

    @Test
    void a_token_that_would_complete_a_banned_sequence_is_excluded() {
        SlotState state = Fixtures.state(5, filters(Map.of(), List.of(), List.of(List.of(4), List.of(1, 2), List.of(1, 2, 3))));
        assertArrayEquals(new float[] {0, 0, 0, 0, NEVER}, adjusted(state, 0, 0, 0, 0, 0));
        state.accept(1);
        assertArrayEquals(new float[] {0, 0, NEVER, 0, NEVER}, adjusted(state, 0, 0, 0, 0, 0));
        state.accept(2);
        assertArrayEquals(new float[] {0, 0, 0, NEVER, NEVER}, adjusted(state, 0, 0, 0, 0, 0));
        state.accept(0);
        assertArrayEquals(new float[] {0, 0, 0, 0, NEVER}, adjusted(state, 0, 0, 0, 0, 0));
    }

    @Test
    void banned_sequences_of_any_length_match_as_a_plain_comparison_would() {
        SplittableRandom random = new SplittableRandom(SEED);
        for (int round = 0; round < 200; round++) {
            List<List<Integer>> banned = new ArrayList<>();
            for (int b = 0; b < 6; b++) {
                List<Integer> sequence = new ArrayList<>();
                int length = 1 + random.nextInt(SamplingParams.MAX_BANNED_LENGTH);
                for (int i = 0; i < length; i++) sequence.add(i % 3 == 0 ? 0 : random.nextInt(2));
                banned.add(sequence);
            }
            SlotState state = Fixtures.state(2, filters(Map.of(), List.of(), banned));
            List<Integer> output = new ArrayList<>();
            for (int step = 0; step < 80; step++) {
                float[] expected = {0, 0};
                for (List<Integer> sequence : banned) {
                    List<Integer> prefix = sequence.subList(0, sequence.size() - 1);
                    boolean ends = output.size() >= prefix.size() && output.subList(output.size() - prefix.size(), output.size()).equals(prefix);
                    if (ends) expected[sequence.getLast()] = NEVER;
                }
                assertArrayEquals(expected, adjusted(state, 0, 0), "round " + round + " step " + step + ", seed " + SEED);
                int next = step < 31 && step % 3 == 0 ? 0 : random.nextInt(2);
                output.add(next);
                state.accept(next);
            }
        }
    }

    @Test
    void end_ids_are_excluded_until_the_minimum_of_tokens_is_there() {
        SlotState state = new SlotState(4);
        state.reset(new SlotSetup(Fixtures.OFF, 1, 0, 2, List.of(0, 3), new int[] {1}, new int[0]));
        for (int generated = 0; generated < 2; generated++) {
            assertTrue(state.needsAdjustment());
            assertArrayEquals(new float[] {NEVER, 1, 1, NEVER}, adjusted(state, 1, 1, 1, 1));
            state.accept(1);
        }
        assertFalse(state.needsAdjustment());
        assertArrayEquals(new float[] {1, 1, 1, 1}, adjusted(state, 1, 1, 1, 1));
    }

    @Test
    void repetition_divides_what_is_positive_and_multiplies_the_rest_over_prompt_and_output() {
        SlotState state = new SlotState(5);
        state.reset(new SlotSetup(Fixtures.penalties(2, 0, 0), 1, 0, 0, List.of(), new int[] {1, 2, 1}, new int[0]));
        assertArrayEquals(new float[] {3, 1.5f, -6, 3, -3}, adjusted(state, 3, 3, -3, 3, -3));
        state.accept(4);
        assertArrayEquals(new float[] {3, 1.5f, -6, 3, -6}, adjusted(state, 3, 3, -3, 3, -3));
    }

    @Test
    void presence_and_frequency_count_the_output_only() {
        SlotState state = new SlotState(4);
        state.reset(new SlotSetup(Fixtures.penalties(1, 0.5f, 0.25f), 1, 0, 0, List.of(), new int[] {0, 0, 1}, new int[0]));
        state.accept(1);
        state.accept(2);
        state.accept(2);
        assertArrayEquals(new float[] {1, 0.25f, 0, 1}, adjusted(state, 1, 1, 1, 1));
    }

    @Test
    void penalties_come_after_bias_and_leave_excluded_tokens_excluded() {
        SlotState state = new SlotState(3);
        SamplingParams params = new SamplingParams(1, 0, 1, 0, 2, 0.5f, 0, Map.of(0, 3f), List.of(0, 2), List.of());
        state.reset(new SlotSetup(params, 1, 0, 0, List.of(), new int[] {0, 1}, new int[] {2}));
        assertArrayEquals(new float[] {2, NEVER, 0}, adjusted(state, 1, 1, 1));
    }

    @Test
    void a_tiny_repetition_penalty_does_not_break_a_sound_row() {
        SlotState state = new SlotState(2);
        state.reset(new SlotSetup(Fixtures.penalties(Float.MIN_VALUE, 0, 0), 1, 0, 0, List.of(), new int[] {1}, new int[0]));
        assertArrayEquals(new float[] {1, Float.MAX_VALUE}, adjusted(state, 1, 1));
    }

    @Test
    void a_state_set_up_after_preemption_equals_the_one_that_went_on() {
        SplittableRandom random = new SplittableRandom(SEED);
        int n = 50;
        SamplingParams params =
                new SamplingParams(1, 0, 1, 0, 1.2f, 0.3f, 0.1f, Map.of(3, 1f), List.of(), List.of(List.of(1, 2), List.of(4, 4, 4)));
        int[] prompt = random.ints(10, 0, n).toArray();
        int[] generated = random.ints(90, 0, 6).toArray();
        SlotState went = new SlotState(n);
        went.reset(new SlotSetup(params, 1, 0, 95, List.of(7), prompt, new int[0]));
        for (int id : generated) went.accept(id);
        SlotState again = new SlotState(n);
        again.reset(new SlotSetup(Fixtures.penalties(2, 1, 1), 1, 0, 0, List.of(), prompt, generated)); // what the slot held before
        again.reset(new SlotSetup(params, 1, 0, 95, List.of(7), prompt, generated));
        float[] row = Fixtures.logits(random, n);
        assertArrayEquals(adjusted(went, row), adjusted(again, row), "seed " + SEED);
        assertEquals(went.generated(), again.generated());
    }

    @Test
    void no_filter_hides_a_broken_row() {
        float[] broken = {1, Float.NaN, Float.POSITIVE_INFINITY};
        SlotState allowed = Fixtures.state(3, filters(Map.of(), List.of(0), List.of()));
        SlotState banned = Fixtures.state(3, filters(Map.of(), List.of(), List.of(List.of(1), List.of(2))));
        for (SlotState state : List.of(allowed, banned)) {
            float[] adjusted = adjusted(state, broken);
            assertTrue(Float.isNaN(adjusted[1]));
            assertEquals(Float.POSITIVE_INFINITY, adjusted[2]);
            assertEquals(Sampler.INVALID, new Sampler(3).sample(MemorySegment.ofArray(adjusted), 0, state, 0));
        }
    }

    @Test
    void filters_that_leave_nothing_say_so() {
        SlotState state = Fixtures.state(2, filters(Map.of(), List.of(1), List.of(List.of(1))));
        assertEquals(Sampler.NOTHING_LEFT, new Sampler(2).sample(MemorySegment.ofArray(adjusted(state, 1, 1)), 0, state, 0));
    }

    @Test
    void ids_outside_the_vocabulary_are_refused_when_the_slot_is_set() {
        assertThrows(IllegalArgumentException.class, () -> Fixtures.state(3, filters(Map.of(3, 1f), List.of(), List.of())));
        assertThrows(IllegalArgumentException.class, () -> Fixtures.state(3, filters(Map.of(), List.of(-1), List.of())));
        assertThrows(IllegalArgumentException.class, () -> Fixtures.state(3, filters(Map.of(), List.of(), List.of(List.of(0, 9)))));
    }

    private static SamplingParams filters(Map<Integer, Float> bias, List<Integer> allowed, List<List<Integer>> banned) {
        return new SamplingParams(1, 0, 1, 0, 1, 0, 0, bias, allowed, banned);
    }

    /** Into other memory at an offset, and in place: both must agree. */
    private static float[] adjusted(SlotState state, float... row) {
        float[] before = row.clone();
        Sampler sampler = new Sampler(row.length);
        float[] out = new float[row.length + 3];
        sampler.adjust(MemorySegment.ofArray(row), 0, MemorySegment.ofArray(out), 12, state);
        assertArrayEquals(before, row, "the raw logits are needed for log-probabilities");
        float[] result = Arrays.copyOfRange(out, 3, out.length);
        float[] inPlace = row.clone();
        sampler.adjust(MemorySegment.ofArray(inPlace), 0, MemorySegment.ofArray(inPlace), 0, state);
        assertArrayEquals(result, inPlace);
        return result;
    }
}
