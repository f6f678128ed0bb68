package dev.skald.compute;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.skald.sampling.Sampler;
import dev.skald.sampling.SamplingParams;
import dev.skald.sampling.SlotSetup;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class HostSlotsTest {
    private static final BatchLimits LIMITS = new BatchLimits(8, 3, 4, 5, 2);
    private static final int VOCABULARY = 4;

    private final HostSlots slots = new HostSlots(LIMITS, VOCABULARY);
    private final HostStepOutput output = new HostStepOutput(LIMITS);
    private final Sampler sampler = new Sampler(VOCABULARY);
    private final Batch batch = new Batch(LIMITS, MemorySegment.ofArray(new int[Batch.ints(LIMITS)]));

    @Test
    void table_changes_of_the_batch_are_applied_to_their_slots() {
        batch.tableChange(0, 4, 17);
        batch.tableChange(2, 0, 9);
        batch.tableChange(2, 0, 11);
        slots.applyTableChanges(batch);
        assertEquals(17, slots.block(0, 4));
        assertEquals(11, slots.block(2, 0));
        assertEquals(0, slots.block(1, 0));
    }

    @Test
    void a_drawn_token_becomes_the_slots_last_one() {
        slots.setSlot(1, setup(SamplingParams.GREEDY));
        batch.beginSequence(1, 1);
        batch.row(batch.token(3, 0), 1, -1, -1);
        sampleAll(0, 0, 5, 1);
        assertEquals(2, output.token(0));
        batch.clear();
        batch.beginSequence(1, 2);
        int t = batch.token(-1, 1);
        assertEquals(2, slots.tokenId(batch, t));
        assertEquals(1, slots.state(1).generated());
    }

    @Test
    void a_slot_without_a_drawn_token_has_no_last_one() {
        slots.setSlot(0, setup(SamplingParams.GREEDY));
        batch.beginSequence(0, 1);
        int t = batch.token(-1, 0);
        assertThrows(IllegalStateException.class, () -> slots.tokenId(batch, t));
    }

    @Test
    void choices_draw_from_one_row_with_their_own_slots() {
        slots.setSlot(0, setup(SamplingParams.GREEDY));
        slots.setSlot(2, setup(new SamplingParams(0, 0, 1, 0, 1, 0, 0, Map.of(0, 50f), List.of(), List.of())));
        batch.beginSequence(0, 1);
        int t = batch.token(1, 0);
        batch.row(t, 0, -1, 2);
        batch.row(t, 2, -1, 0);
        assertFalse(slots.needsAdjustment(batch, 0));
        assertTrue(slots.needsAdjustment(batch, 1));
        sampleAll(0, 3, 1, 1, 0, 3, 1, 1);
        assertEquals(1, output.token(0));
        assertEquals(0, output.token(1));
        assertEquals(1, output.rank(0));
        assertEquals(1, output.topToken(0, 0));
        assertEquals(output.logprob(0), output.topLogprob(0, 0));
        assertEquals(4, output.rank(1));
        assertEquals(output.logprob(0) - 3, output.logprob(1), 1e-6);
    }

    @Test
    void a_row_with_a_target_reports_it_and_draws_nothing() {
        slots.setSlot(0, setup(SamplingParams.GREEDY));
        batch.beginSequence(0, 2);
        batch.row(batch.token(1, 0), 0, 3, 1);
        sampleAll(5, 0, 0, 4);
        assertEquals(3, output.token(0));
        assertEquals(2, output.rank(0));
        assertEquals(0, output.topToken(0, 0));
        assertEquals(0, slots.state(0).generated());
    }

    @Test
    void a_broken_row_fails_alone_and_says_why() {
        slots.setSlot(0, setup(SamplingParams.GREEDY));
        slots.setSlot(1, setup(new SamplingParams(0, 0, 1, 0, 1, 0, 0, Map.of(), List.of(1), List.of(List.of(1)))));
        slots.setSlot(2, setup(SamplingParams.GREEDY));
        for (int slot = 0; slot < 3; slot++) {
            batch.beginSequence(slot, 1);
            batch.row(batch.token(0, 0), slot, -1, 1);
        }
        batch.row(0, 0, 2, 1);
        sampleAll(0, Float.NaN, 0, 0, 0, 1, 0, 0, 0, 0, 0, 7, 0, 0, Float.NaN, 0);
        assertTrue(output.invalid(0));
        assertEquals(Sampler.INVALID, output.token(0));
        assertTrue(output.invalid(1));
        assertEquals(Sampler.NOTHING_LEFT, output.token(1));
        assertFalse(output.invalid(2));
        assertEquals(3, output.token(2));
        assertTrue(output.invalid(3), "a scored prompt token's row is checked too");
        assertEquals(0, slots.state(0).generated());
        // A step that was planned ahead feeds each its last token; what comes of the broken ones is dropped, but it must be computable.
        batch.clear();
        batch.beginSequence(0, 2);
        assertEquals(0, slots.tokenId(batch, batch.token(-1, 1)));
        batch.beginSequence(1, 2);
        assertEquals(0, slots.tokenId(batch, batch.token(-1, 1)));
        batch.beginSequence(2, 2);
        assertEquals(3, slots.tokenId(batch, batch.token(-1, 1)));
    }

    @Test
    void the_random_number_belongs_to_the_position_of_the_drawn_token() {
        SamplingParams params = new SamplingParams(1, 0, 1, 0, 1, 0, 0, Map.of(), List.of(), List.of());
        float[] row = {0, 0, 0, 0};
        for (int position = 0; position < 6; position++) {
            slots.setSlot(0, setup(params));
            batch.clear();
            batch.beginSequence(0, position + 1);
            batch.row(batch.token(1, position), 0, -1, -1);
            sampleAll(row);
            HostSlots other = new HostSlots(LIMITS, VOCABULARY);
            other.setSlot(0, setup(params));
            assertEquals(sampler.sample(MemorySegment.ofArray(row), 0, other.state(0), position + 1), output.token(0));
        }
    }

    private void sampleAll(float... logits) {
        MemorySegment raw = MemorySegment.ofArray(logits);
        MemorySegment adjusted = MemorySegment.ofArray(new float[logits.length]);
        for (int row = 0; row < batch.rows(); row++) {
            long offset = 4L * VOCABULARY * row;
            slots.adjust(sampler, batch, row, raw, offset, adjusted, offset);
            slots.sample(sampler, batch, row, adjusted, offset, output);
            slots.topLogprobs(sampler, batch, row, raw, offset, output);
        }
    }

    private static SlotSetup setup(SamplingParams params) {
        return new SlotSetup(params, 42, 0, 0, List.of(), new int[] {1}, new int[0]);
    }
}
