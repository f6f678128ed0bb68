package dev.skald.sampling;

import java.util.Arrays;
import java.util.List;

/**
 * What the sampler must remember of the sequence in one slot: its parameters in arrays, counts for penalties, the last tokens for banned
 * sequences. {@link #reset} may allocate, {@link #accept} never does. Belongs to the thread that runs the step.
 */
public final class SlotState {
    private static final int IN_PROMPT = 1 << 31;
    private static final int COUNT = ~IN_PROMPT;
    private static final int RECENT = Integer.highestOneBit(SamplingParams.MAX_BANNED_LENGTH - 1) << 1;
    private static final int[] NO_IDS = {};
    private static final float[] NO_VALUES = {};
    private static final int[][] NO_SEQUENCES = {};
    private static final long[] NO_WORDS = {};

    private final int vocabularySize;
    private final int[] recent = new int[RECENT];

    private SamplingParams params = SamplingParams.GREEDY;
    private long seed;
    private int choice;
    private int minTokens;
    private int generated;
    private boolean penalties;
    private int[] endIds = NO_IDS;
    private int[] biasIds = NO_IDS;
    private float[] biases = NO_VALUES;
    private long[] allowed = NO_WORDS;
    private int[][] banned = NO_SEQUENCES;
    /** [vocabulary]: sign bit: in the prompt; rest: occurrences in the output. Made when the first sequence with penalties comes. */
    private int[] counts = NO_IDS;

    public SlotState(int vocabularySize) {
        this.vocabularySize = vocabularySize;
    }

    /**
     * The slot belongs to this sequence from here on.
     *
     * @throws IllegalArgumentException if a token id is outside the vocabulary
     */
    public void reset(SlotSetup setup) {
        params = setup.params();
        seed = setup.seed();
        choice = setup.choice();
        minTokens = setup.minTokens();
        endIds = ids(setup.endIds());
        biasIds = NO_IDS;
        biases = NO_VALUES;
        if (!params.logitBias().isEmpty()) setBias();
        allowed = NO_WORDS;
        if (!params.allowedIds().isEmpty()) setAllowed();
        banned = params.bannedSequences().isEmpty()
                ? NO_SEQUENCES
                : params.bannedSequences().stream().map(this::ids).toArray(int[][]::new);
        penalties = params.repetitionPenalty() != 1 || params.presencePenalty() != 0 || params.frequencyPenalty() != 0;
        if (penalties) {
            if (counts.length == 0) counts = new int[vocabularySize];
            else Arrays.fill(counts, 0);
            for (int id : setup.prompt()) counts[checked(id)] |= IN_PROMPT;
        }
        generated = 0;
        for (int id : setup.generated()) accept(id);
    }

    /** The sequence goes on with this token, drawn here. */
    public void accept(int token) {
        recent[generated & RECENT - 1] = token;
        generated++;
        if (penalties) counts[token]++;
    }

    public SamplingParams params() {
        return params;
    }

    public long seed() {
        return seed;
    }

    public int choice() {
        return choice;
    }

    /** Tokens generated so far. */
    public int generated() {
        return generated;
    }

    /** Whether the most likely token is taken, with no random number. */
    public boolean greedy() {
        return params.temperature() == 0;
    }

    /** Whether the next row of logits needs {@link Sampler#adjust}; if not, the raw logits may be sampled from. */
    public boolean needsAdjustment() {
        return penalties
                || biasIds.length > 0
                || allowed.length > 0
                || banned.length > 0
                || (generated < minTokens && endIds.length > 0);
    }

    /** Changes a row of raw logits in place: bias, allowed, banned, minimum tokens, penalties. @param row [vocabulary] */
    void adjust(float[] row) {
        for (int i = 0; i < biasIds.length; i++) row[biasIds[i]] += biases[i];
        if (allowed.length > 0) {
            for (int id = 0; id < vocabularySize; id++) {
                if ((allowed[id >>> 6] >>> id & 1) == 0) row[id] = excluded(row[id]);
            }
        }
        for (int[] sequence : banned) {
            if (completes(sequence)) {
                int last = sequence[sequence.length - 1];
                row[last] = excluded(row[last]);
            }
        }
        if (generated < minTokens) {
            for (int id : endIds) row[id] = excluded(row[id]);
        }
        if (penalties) penalise(row);
    }

    private void penalise(float[] row) {
        float repetition = params.repetitionPenalty();
        float presence = params.presencePenalty();
        float frequency = params.frequencyPenalty();
        for (int id = 0; id < vocabularySize; id++) {
            int count = counts[id];
            if (count == 0) continue;
            float logit = row[id];
            logit = logit > 0 ? divided(logit, repetition) : logit * repetition;
            int inOutput = count & COUNT;
            if (inOutput > 0) logit = logit - frequency * inOutput - presence;
            row[id] = logit;
        }
    }

    /** A small penalty may not make a sound logit infinite. */
    private static float divided(float logit, float repetition) {
        return logit < Float.POSITIVE_INFINITY ? Math.min(logit / repetition, Float.MAX_VALUE) : logit;
    }

    /** A token that can't be drawn: −∞. What shows that the row is broken (NaN, +∞) stays, so that no filter hides it. */
    private static float excluded(float logit) {
        return logit < Float.POSITIVE_INFINITY ? Float.NEGATIVE_INFINITY : logit;
    }

    /** Whether the output ends with all of the sequence but its last token. */
    private boolean completes(int[] sequence) {
        int prefix = sequence.length - 1;
        if (prefix > generated) return false;
        for (int i = 0; i < prefix; i++) {
            if (recent[generated - prefix + i & RECENT - 1] != sequence[i]) return false;
        }
        return true;
    }

    private void setBias() {
        biasIds = params.logitBias().keySet().stream().mapToInt(this::checked).sorted().toArray();
        biases = new float[biasIds.length];
        for (int i = 0; i < biasIds.length; i++) biases[i] = params.logitBias().get(biasIds[i]);
    }

    private void setAllowed() {
        allowed = new long[(vocabularySize + 63) >>> 6];
        for (int id : params.allowedIds()) allowed[checked(id) >>> 6] |= 1L << id;
    }

    private int[] ids(List<Integer> list) {
        return list.isEmpty() ? NO_IDS : list.stream().mapToInt(this::checked).toArray();
    }

    private int checked(int id) {
        if (id < 0 || id >= vocabularySize) throw new IllegalArgumentException("token id " + id + " is outside the vocabulary of " + vocabularySize);
        return id;
    }
}
