package dev.skald.compute.cuda;

import dev.skald.sampling.SamplingParams;
import dev.skald.sampling.SlotSetup;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;

/** What a slot is told of its new sequence, packed for {@code skald_set_slot}: see SlotRecord in native/cuda/slots.cu. */
final class SlotRecord {
    static final int MAX_END_IDS = 256;
    /** Size of the kernels' SlotState. */
    static final int STATE_BYTES = 4 * 10_801;

    private static final int HEADER = 20;
    private static final int RECENT = 32;

    private final int vocabulary;
    private final MemorySegment to;
    private int at;

    private SlotRecord(int vocabulary, MemorySegment to) {
        this.vocabulary = vocabulary;
        this.to = to;
    }

    static int allowedWords(int vocabulary) {
        return Math.ceilDiv(vocabulary, 32);
    }

    static boolean penalises(SamplingParams p) {
        return p.repetitionPenalty() != 1 || p.presencePenalty() != 0 || p.frequencyPenalty() != 0;
    }

    /** Bytes that the record of this sequence takes. */
    static long bytes(int vocabulary, SlotSetup setup) {
        SamplingParams p = setup.params();
        long ints = HEADER + setup.endIds().size() + 2L * p.logitBias().size() + p.bannedSequences().size() + RECENT;
        for (List<Integer> banned : p.bannedSequences()) ints += banned.size();
        if (!p.allowedIds().isEmpty()) ints += allowedWords(vocabulary);
        if (penalises(p)) ints += setup.prompt().length + setup.generated().length;
        return 4 * ints;
    }

    /** @throws IllegalArgumentException if a token id is outside the vocabulary */
    static void write(int vocabulary, SlotSetup setup, MemorySegment to) {
        new SlotRecord(vocabulary, to).write(setup);
    }

    private void write(SlotSetup setup) {
        SamplingParams p = setup.params();
        if (setup.endIds().size() > MAX_END_IDS) throw new IllegalArgumentException(setup.endIds().size() + " end ids are more than " + MAX_END_IDS);
        boolean penalties = penalises(p);
        header(setup, penalties);
        for (int id : setup.endIds()) put(checked(id));
        int[] biased = p.logitBias().keySet().stream().mapToInt(this::checked).sorted().toArray();
        for (int id : biased) put(id);
        for (int id : biased) put(p.logitBias().get(id));
        for (List<Integer> banned : p.bannedSequences()) put(banned.size());
        for (List<Integer> banned : p.bannedSequences()) for (int id : banned) put(checked(id));
        if (!p.allowedIds().isEmpty()) putAllowed(p.allowedIds());
        if (penalties) {
            for (int id : setup.prompt()) put(checked(id));
            for (int id : setup.generated()) put(checked(id));
        }
        if (setup.generated().length > 0) putRecent(setup.generated());
    }

    private void header(SlotSetup setup, boolean penalties) {
        SamplingParams p = setup.params();
        put((int) setup.seed());
        put((int) (setup.seed() >>> 32));
        put(setup.choice());
        put(setup.minTokens());
        put(setup.generated().length);
        put(penalties ? 1 : 0);
        put(p.allowedIds().isEmpty() ? 0 : 1);
        put(p.temperature());
        put(p.topP());
        put(p.minP());
        put(p.repetitionPenalty());
        put(p.presencePenalty());
        put(p.frequencyPenalty());
        put(p.topK());
        put(setup.endIds().size());
        put(p.logitBias().size());
        put(p.bannedSequences().size());
        put(penalties ? setup.prompt().length : 0);
        put(penalties ? setup.generated().length : 0);
        put(setup.generated().length > 0 ? RECENT : 0);
    }

    private void putAllowed(List<Integer> ids) {
        int[] words = new int[allowedWords(vocabulary)];
        for (int id : ids) words[checked(id) >>> 5] |= 1 << id;
        for (int word : words) put(word);
    }

    private void putRecent(int[] generated) {
        int[] recent = new int[RECENT];
        for (int i = Math.max(0, generated.length - RECENT); i < generated.length; i++) recent[i % RECENT] = generated[i];
        for (int id : recent) put(id);
    }

    private int checked(int id) {
        if (id < 0 || id >= vocabulary) throw new IllegalArgumentException("token id " + id + " is outside the vocabulary of " + vocabulary);
        return id;
    }

    private void put(int value) {
        to.setAtIndex(ValueLayout.JAVA_INT, at++, value);
    }

    private void put(float value) {
        to.setAtIndex(ValueLayout.JAVA_FLOAT, at++, value);
    }
}
