package dev.skald.schedule;

import dev.skald.sampling.SlotSetup;
import java.util.List;

/**
 * One step, decided: which tokens of which sequences, which rows of logits, and what the device must be told of slots and blocks before it.
 * Immutable. Sequences are numbered 0 … {@link #sequences} − 1, tokens and rows over the whole step.
 */
public final class StepPlan {
    /** The slot belongs to this sequence from this step on. */
    public record Setup(int slot, SlotSetup setup) {}

    /** Integers of the arrays below, per entry. */
    static final int SEQUENCE_INTS = 3;
    static final int ROW_INTS = 4;
    static final int CHANGE_INTS = 3;
    static final int COPY_INTS = 2;

    private final long id;
    private final int budget;
    private final int prefillTokens;
    private final Sequence[] members;
    /** [sequences, 3]: incarnation, first position, first token. */
    private final int[] sequences;
    private final int[] ids;
    private final Sequence[] rowOwners;
    /** [rows, 4]: token, slot, target, top. */
    private final int[] rows;
    /** [changes, 3]: slot, index, block. */
    private final int[] changes;
    /** [copies, 2]: source, target. */
    private final int[] copies;
    private final int[] slots;
    private final List<Setup> setups;

    StepPlan(StepBuilder b) {
        id = b.id;
        budget = b.budget;
        prefillTokens = b.prefillTokens;
        members = b.members.toArray(new Sequence[0]);
        sequences = b.sequences.toArray();
        ids = b.ids.toArray();
        rowOwners = b.rowOwners.toArray(new Sequence[0]);
        rows = b.rows.toArray();
        changes = b.changes.toArray();
        copies = b.copies.toArray();
        slots = b.slots.toArray();
        setups = List.copyOf(b.setups);
    }

    /** Counts up from 1. */
    public long id() {
        return id;
    }

    /** The most tokens that the step might have had. */
    public int budget() {
        return budget;
    }

    public int sequences() {
        return members.length;
    }

    public Sequence sequence(int s) {
        return members[s];
    }

    public int slot(int s) {
        return slots[s];
    }

    /** Whether the sequence's tokens are a chunk of what it knows already; else it is one token that it has just drawn. */
    public boolean prefill(int s) {
        return sequences[SEQUENCE_INTS * s] < 0;
    }

    public int firstPosition(int s) {
        return sequences[SEQUENCE_INTS * s + 1];
    }

    /** The step's number of the sequence's first token. {@code firstToken(sequences())} is the number of tokens. */
    public int firstToken(int s) {
        return s == members.length ? ids.length : sequences[SEQUENCE_INTS * s + 2];
    }

    /** Tokens of the sequence in this step. */
    public int count(int s) {
        return firstToken(s + 1) - firstToken(s);
    }

    /** Tokens in the sequence's cache after this step. */
    public int contextLength(int s) {
        return firstPosition(s) + count(s);
    }

    public int tokens() {
        return ids.length;
    }

    public int prefillTokens() {
        return prefillTokens;
    }

    /** The token's id; −1: the slot's last token, which only the device knows yet. */
    public int tokenId(int t) {
        return ids[t];
    }

    public int rows() {
        return rowOwners.length;
    }

    /** The token after which the row's logits are wanted. */
    public int rowToken(int r) {
        return rows[ROW_INTS * r];
    }

    /** The slot whose parameters sample the row. */
    public int rowSlot(int r) {
        return rows[ROW_INTS * r + 1];
    }

    /** −1: sample; else the token whose log-probability is wanted. */
    public int rowTarget(int r) {
        return rows[ROW_INTS * r + 2];
    }

    /** −1: no log-probabilities; else how many most likely tokens to report. */
    public int rowTop(int r) {
        return rows[ROW_INTS * r + 3];
    }

    public int tableChanges() {
        return changes.length / CHANGE_INTS;
    }

    public int changeSlot(int c) {
        return changes[CHANGE_INTS * c];
    }

    public int changeIndex(int c) {
        return changes[CHANGE_INTS * c + 1];
    }

    public int changeBlock(int c) {
        return changes[CHANGE_INTS * c + 2];
    }

    public int blockCopies() {
        return copies.length / COPY_INTS;
    }

    public int copySource(int c) {
        return copies[COPY_INTS * c];
    }

    public int copyTarget(int c) {
        return copies[COPY_INTS * c + 1];
    }

    /** In order, before anything else of the step. */
    public List<Setup> setups() {
        return setups;
    }

    Sequence rowOwner(int r) {
        return rowOwners[r];
    }

    int incarnation(int s) {
        int packed = sequences[SEQUENCE_INTS * s];
        return packed < 0 ? ~packed : packed;
    }
}
