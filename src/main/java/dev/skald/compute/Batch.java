package dev.skald.compute;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Everything a step needs from the host, in one packed int32 block with fixed offsets, so that it crosses to a device in one copy. Filled by
 * the executor in this order: {@link #clear}, then for each sequence {@link #beginSequence}, its {@link #token}s and {@link #row}s; block-table
 * changes and block copies at any time. Rows may name any token already added, more than once (choices of one prompt).
 */
public final class Batch {
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
    private static final int HEADER = 8;
    private static final int TOKENS = 0;
    private static final int SEQUENCES = 1;
    private static final int ROWS = 2;
    private static final int CHANGES = 3;
    private static final int COPIES = 4;

    private final BatchLimits limits;
    private final MemorySegment block;
    private final int ids;
    private final int positions;
    private final int tokenSlots;
    private final int offsets;
    private final int slots;
    private final int lengths;
    private final int rowTokens;
    private final int rowSlots;
    private final int rowTargets;
    private final int rowTops;
    private final int changes;
    private final int copies;

    /** @param block at least {@link #ints} × 4 bytes, 4-byte aligned */
    public Batch(BatchLimits limits, MemorySegment block) {
        this.limits = limits;
        this.block = block;
        int at = HEADER;
        ids = at;
        at += limits.maxTokens();
        positions = at;
        at += limits.maxTokens();
        tokenSlots = at;
        at += limits.maxTokens();
        offsets = at;
        at += limits.maxSequences() + 1;
        slots = at;
        at += limits.maxSequences();
        lengths = at;
        at += limits.maxSequences();
        rowTokens = at;
        at += limits.maxLogitRows();
        rowSlots = at;
        at += limits.maxLogitRows();
        rowTargets = at;
        at += limits.maxLogitRows();
        rowTops = at;
        at += limits.maxLogitRows();
        copies = at;
        at += 2 * limits.maxSequences();
        changes = at;
        if (block.byteSize() < 4L * ints(limits)) throw new IllegalArgumentException("block of " + block.byteSize() + " bytes is too small");
        clear();
    }

    /** Size of the block for these limits, in int32. */
    public static int ints(BatchLimits l) {
        return HEADER + 3 * l.maxTokens() + 3 * l.maxSequences() + 1 + 4 * l.maxLogitRows() + 3 * l.maxTableChanges() + 2 * l.maxSequences();
    }

    /** How much of the block this step uses, in int32, from its beginning: what a device must copy. Table changes, of which there are few, stand last. */
    public int usedInts() {
        return changes + 3 * tableChanges();
    }

    public BatchLimits limits() {
        return limits;
    }

    public MemorySegment block() {
        return block;
    }

    public void clear() {
        for (int i = 0; i < HEADER; i++) set(i, 0);
        set(offsets, 0);
    }

    /** Starts the next sequence. @param contextLength tokens in its cache after this step */
    public void beginSequence(int slot, int contextLength) {
        int s = claim(SEQUENCES, limits.maxSequences(), "sequences");
        set(slots + s, slot);
        set(lengths + s, contextLength);
        set(offsets + s + 1, get(TOKENS));
    }

    /** Adds a token to the sequence begun last. @param id −1: the slot's last token, known to the device only. @return its index in the step */
    public int token(int id, int position) {
        int t = claim(TOKENS, limits.maxTokens(), "tokens");
        int s = get(SEQUENCES) - 1;
        set(ids + t, id);
        set(positions + t, position);
        set(tokenSlots + t, get(slots + s));
        set(offsets + s + 1, t + 1);
        return t;
    }

    /**
     * Wants the logits after a token.
     *
     * @param slot   whose parameters sample the row and whose last token the drawn one becomes
     * @param target −1: sample; else the token whose log-probability is wanted
     * @param top    −1: no log-probabilities; else the number of most likely tokens to report
     */
    public int row(int token, int slot, int target, int top) {
        int r = claim(ROWS, limits.maxLogitRows(), "rows of logits");
        if (top > limits.maxTopLogprobs()) throw new IllegalArgumentException(top + " top log-probabilities exceed the limit");
        set(rowTokens + r, token);
        set(rowSlots + r, slot);
        set(rowTargets + r, target);
        set(rowTops + r, top);
        return r;
    }

    /** Entry {@code index} of the slot's block table becomes {@code block}; applied at upload, before any operation. */
    public void tableChange(int slot, int index, int newBlock) {
        int c = claim(CHANGES, limits.maxTableChanges(), "block-table changes");
        set(changes + 3 * c, slot);
        set(changes + 3 * c + 1, index);
        set(changes + 3 * c + 2, newBlock);
    }

    /** Copies one block's keys and values in all layers before the step stores anything. */
    public void copyBlock(int source, int target) {
        int c = claim(COPIES, limits.maxSequences(), "block copies");
        set(copies + 2 * c, source);
        set(copies + 2 * c + 1, target);
    }

    public int tokens() {
        return get(TOKENS);
    }

    public int sequences() {
        return get(SEQUENCES);
    }

    public int rows() {
        return get(ROWS);
    }

    public int rows(RowSet set) {
        return set == RowSet.TOKENS ? tokens() : rows();
    }

    public int tokenId(int t) {
        return get(ids + t);
    }

    public int position(int t) {
        return get(positions + t);
    }

    /** The slot of the sequence that token {@code t} belongs to. */
    public int tokenSlot(int t) {
        return get(tokenSlots + t);
    }

    /** Index of the first token of sequence {@code s}; {@code sequenceOffset(sequences())} is the number of tokens. */
    public int sequenceOffset(int s) {
        return get(offsets + s);
    }

    public int slot(int s) {
        return get(slots + s);
    }

    public int contextLength(int s) {
        return get(lengths + s);
    }

    public int rowToken(int r) {
        return get(rowTokens + r);
    }

    public int rowSlot(int r) {
        return get(rowSlots + r);
    }

    public int rowTarget(int r) {
        return get(rowTargets + r);
    }

    public int rowTop(int r) {
        return get(rowTops + r);
    }

    public int tableChanges() {
        return get(CHANGES);
    }

    public int changeSlot(int c) {
        return get(changes + 3 * c);
    }

    public int changeIndex(int c) {
        return get(changes + 3 * c + 1);
    }

    public int changeBlock(int c) {
        return get(changes + 3 * c + 2);
    }

    public int blockCopies() {
        return get(COPIES);
    }

    public int copySource(int c) {
        return get(copies + 2 * c);
    }

    public int copyTarget(int c) {
        return get(copies + 2 * c + 1);
    }

    private int claim(int counter, int capacity, String what) {
        int n = get(counter);
        if (n >= capacity) throw new IllegalStateException("more than " + capacity + " " + what + " in one step");
        set(counter, n + 1);
        return n;
    }

    private int get(int index) {
        return block.getAtIndex(INT, index);
    }

    private void set(int index, int value) {
        block.setAtIndex(INT, index, value);
    }
}
