package dev.skald.schedule;

import dev.skald.kv.BlockPool;
import dev.skald.kv.PrefixIndex;
import java.util.ArrayDeque;
import java.util.List;

/**
 * Blocks and slots: who can get which, and when what was given up can be given again. A step in flight may still write to the blocks and the slot
 * of a sequence that has ended meanwhile, so these return only when the last step that was planned before is over.
 */
final class Room {
    /** What was given up while steps were in flight. @param after the step whose end frees it, @param slot −1: none */
    private record Leaving(long after, int[] blocks, int slot) {}

    private static final int NONE = -1;

    private final Limits limits;
    private final BlockPool pool;
    private final PrefixIndex index;
    private final int[] freeSlots;
    private int freeSlotCount;
    private final ArrayDeque<Leaving> leaving = new ArrayDeque<>();
    private int leavingBlocks;
    private int leavingSlots;
    private long lastPlanned;
    private long lastOver;
    private final int[] found;

    Room(Limits limits) {
        this.limits = limits;
        pool = new BlockPool(limits.kvBlocks());
        index = new PrefixIndex(pool, limits.blockTokens());
        found = new int[limits.blocksPerSequence()];
        freeSlots = new int[limits.maxSequences()];
        for (int i = 0; i < freeSlots.length; i++) freeSlots[i] = freeSlots.length - 1 - i;
        freeSlotCount = freeSlots.length;
    }

    BlockPool pool() {
        return pool;
    }

    PrefixIndex index() {
        return index;
    }

    /** How many tokens of a waiting sequence the prefix index holds. */
    int cachedTokens(Sequence s) {
        return index.match(s.request.root, s.tokens(), s.hitLimit(), found) * limits.blockTokens();
    }

    /**
     * Whether a waiting sequence can have its slots and the blocks of all its known tokens.
     *
     * @param amongOthers    then the watermark's blocks must be left
     * @param countLeaving   whether to count what the steps in flight still hold
     */
    boolean fits(Sequence s, boolean amongOthers, boolean countLeaving) {
        if (s.slotsNeeded() > freeSlotCount + (countLeaving ? leavingSlots : 0)) return false;
        int hits = index.match(s.request.root, s.tokens(), s.hitLimit(), found);
        int needed = limits.blocks(s.known()) - hits + (amongOthers ? limits.watermarkBlocks() : 0);
        for (int i = 0; i < hits; i++) if (pool.isIdle(found[i])) needed++;
        return needed <= pool.available() + (countLeaving ? leavingBlocks : 0);
    }

    /** Gives a sequence that {@link #fits} its slots and blocks. @return tokens that the prefix cache holds */
    int place(Sequence s) {
        int hits = index.match(s.request.root, s.tokens(), s.hitLimit(), found);
        for (int i = 0; i < hits; i++) {
            pool.retain(found[i]);
            s.table.add(found[i]);
        }
        s.chained = hits;
        s.chain = hits == 0 ? s.request.root.identity() : index.identity(found[hits - 1]);
        for (int i = hits; i < limits.blocks(s.known()); i++) s.table.add(pool.allocate());
        if (s.request.forked) s.slot = freeSlots[--freeSlotCount];
        else for (Sequence choice : s.request.choices) choice.slot = freeSlots[--freeSlotCount];
        return hits * limits.blockTokens();
    }

    /** Whether the table covers the position, after giving it the next block if there is one. */
    boolean grow(Sequence s, int position) {
        if (position < s.table.size() * limits.blockTokens()) return true;
        if (pool.available() == 0) return false;
        s.table.add(pool.allocate());
        return true;
    }

    /** Whether blocks will come back by themselves, with the steps in flight. */
    boolean blocksLeaving() {
        return leavingBlocks > 0;
    }

    /** The choice gets the first choice's full blocks, and a claim on a copy of its partly filled one. */
    void share(Sequence lead, Sequence choice) {
        int length = lead.request.promptLength();
        int full = length / limits.blockTokens();
        for (int i = 0; i < full; i++) {
            pool.retain(lead.table.block(i));
            choice.table.add(lead.table.block(i));
        }
        if (length % limits.blockTokens() != 0) {
            choice.copySource = lead.table.block(full);
            pool.retain(choice.copySource);
        }
        choice.chained = Math.min(lead.chained, full);
        choice.chain = lead.chain;
    }

    /** Gives the claim on a copy up, once the copy is planned. @param step the step that makes it */
    void copied(Sequence s, long step) {
        leave(new Leaving(step, new int[] {s.copySource}, NONE));
        s.copySource = NONE;
    }

    /** Takes blocks and slot back. The last block leaves first, so that of a chain the end ages before the beginning. */
    void release(Sequence s) {
        int claims = s.copySource == NONE ? 0 : 1;
        int size = s.table.size();
        if (size + claims == 0 && s.slot == NONE) return;
        int[] blocks = new int[size + claims];
        for (int i = 0; i < size; i++) blocks[i] = s.table.block(size - 1 - i);
        if (claims == 1) blocks[size] = s.copySource;
        Leaving gone = new Leaving(lastPlanned, blocks, s.slot);
        s.table.clear();
        s.copySource = NONE;
        s.slot = NONE;
        s.slotReady = false;
        if (lastPlanned == lastOver) free(gone);
        else leave(gone);
    }

    void planned(long step) {
        lastPlanned = step;
    }

    /** The step has been computed: nothing writes any more to what was given up before the next one was planned. */
    void over(long step) {
        lastOver = step;
        while (!leaving.isEmpty() && leaving.peek().after <= step) {
            Leaving gone = leaving.poll();
            leavingBlocks -= gone.blocks.length;
            if (gone.slot != NONE) leavingSlots--;
            free(gone);
        }
    }

    /** Counts references and slots again from who holds them. @throws IllegalStateException if something is lost or held twice */
    void verify(List<Request> live) {
        pool.verify();
        int[] references = new int[pool.total()];
        int slots = freeSlotCount;
        for (Leaving gone : leaving) {
            for (int block : gone.blocks) references[block]++;
            if (gone.slot != NONE) slots++;
        }
        for (Request r : live) {
            for (Sequence s : r.choices) {
                for (int i = 0; i < s.table.size(); i++) references[s.table.block(i)]++;
                if (s.copySource != NONE) references[s.copySource]++;
                if (s.slot != NONE) slots++;
            }
        }
        for (int block = 0; block < references.length; block++) {
            if (references[block] != pool.references(block)) {
                throw new IllegalStateException("block " + block + " has " + pool.references(block) + " references, held are " + references[block]);
            }
        }
        if (slots != freeSlots.length) throw new IllegalStateException(slots + " slots instead of " + freeSlots.length);
    }

    private void leave(Leaving gone) {
        leaving.add(gone);
        leavingBlocks += gone.blocks.length;
        if (gone.slot != NONE) leavingSlots++;
    }

    private void free(Leaving gone) {
        for (int block : gone.blocks) pool.release(block);
        if (gone.slot != NONE) freeSlots[freeSlotCount++] = gone.slot;
    }
}
