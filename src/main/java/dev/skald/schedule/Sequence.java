package dev.skald.schedule;

import dev.skald.kv.BlockTable;
import dev.skald.sampling.SlotSetup;
import java.util.Arrays;

/**
 * One choice of a request: its tokens and how far they are. Two lengths run ahead of each other: <i>scheduled</i> counts what has been planned,
 * <i>computed</i> what has come back; between them lie the steps in flight. Belongs to the engine thread.
 */
public final class Sequence {
    enum State {
        /** A choice whose prompt the first choice still computes. */
        UNBORN,
        /** Holds neither slot nor blocks. */
        WAITING,
        RUNNING,
        ENDED
    }

    private static final int NONE = -1;

    final Request request;
    final int choice;
    State state;

    /** Prompt and generated tokens; the first {@link #known} of them. */
    private int[] tokens;
    private int known;
    /** Tokens whose keys and values have been planned to be stored. */
    int scheduled;
    /** Tokens whose keys and values are in the cache. */
    int computed;
    /** Generated tokens that have been planned to be drawn, known or not. */
    int drawn;
    /** Rows of logits that have been planned and not come back. */
    int rowsInFlight;
    /** Up to here tokens are known when the sequence takes its slot, so they come in chunks; from here on one by one. */
    int prefillEnd;
    /** Next prompt position to plan a score for. */
    int scoreNext;

    /** How often it has lost its place; results of steps planned before that say nothing about its present blocks. */
    int incarnation;
    int slot = NONE;
    boolean slotReady;
    final BlockTable table = new BlockTable();
    /** Entries of the table that the device knows. */
    int tableSent;
    /** The partly filled block that this choice shares with the first one until it has its own copy, with a reference held on it; −1: none. */
    int copySource = NONE;
    /** How many of its blocks have been offered to the prefix index, and the identity of the last. */
    int chained;
    long chain;

    Sequence(Request request, int choice) {
        this.request = request;
        this.choice = choice;
        tokens = request.spec.prompt().clone();
        known = tokens.length;
        scoreNext = request.spec.scoreFrom();
        state = choice == 0 ? State.WAITING : State.UNBORN;
    }

    public Request request() {
        return request;
    }

    public int choice() {
        return choice;
    }

    int[] tokens() {
        return tokens;
    }

    int known() {
        return known;
    }

    /** Generated tokens that are known. */
    int generated() {
        return known - request.promptLength();
    }

    /** The token at this position; −1 if it is still on the device. */
    int idAt(int position) {
        return position < known ? tokens[position] : -1;
    }

    void append(int token) {
        if (known == tokens.length) tokens = Arrays.copyOf(tokens, Math.max(known + 16, known + known / 2));
        tokens[known++] = token;
    }

    /** Takes back what was generated past this many tokens. */
    void truncate(int generatedTokens) {
        known = request.promptLength() + generatedTokens;
    }

    /** Whether its next token can be planned. */
    boolean wantsDecode() {
        return state == State.RUNNING && scheduled >= prefillEnd && drawn < request.maxNew && !request.paused;
    }

    boolean prefilling() {
        return state == State.RUNNING && scheduled < prefillEnd;
    }

    /** Whether it can take a place: it waits, it may produce, and all its tokens are known. */
    boolean eligible() {
        return state == State.WAITING && !request.paused && rowsInFlight == 0;
    }

    /** Slots it needs to take its place: before the fork it takes those of the other choices too. */
    int slotsNeeded() {
        return request.forked ? 1 : request.spec.choices();
    }

    /** Tokens that a prefix hit may cover: the last token's logits are wanted, and so are those before each token to be scored. */
    int hitLimit() {
        if (request.spec.cacheBypass()) return 0;
        boolean scoring = request.scores() && scoreNext < request.promptLength();
        return scoring ? Math.min(known, scoreNext) - 1 : known - 1;
    }

    /** Whether the logits after this position are wanted for the score of the next. */
    boolean scoresAfter(int position) {
        return request.scores() && position + 1 >= scoreNext && position + 1 < request.promptLength();
    }

    SlotSetup slotSetup() {
        EngineRequest spec = request.spec;
        return new SlotSetup(
                spec.sampling(),
                spec.seed(),
                choice,
                spec.minTokens(),
                java.util.stream.Stream.concat(spec.eosIds().stream(), spec.stopIds().stream()).toList(),
                spec.prompt(),
                Arrays.copyOfRange(tokens, request.promptLength(), known));
    }

    /** Forgets place and progress; tokens stay. */
    void loseProgress() {
        incarnation++;
        scheduled = 0;
        computed = 0;
        prefillEnd = 0;
        tableSent = 0;
        chained = 0;
        chain = 0;
    }

    @Override
    public String toString() {
        return request.spec.id() + "/" + choice;
    }
}
