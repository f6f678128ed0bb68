package dev.skald.engine;

import dev.skald.compute.StepOutput;
import dev.skald.sampling.Sampler;
import dev.skald.sampling.SlotSetup;
import dev.skald.schedule.Limits;
import dev.skald.schedule.StepPlan;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.function.Consumer;

/**
 * A device that stores, instead of keys and values, which token was written after which others. Before each step it reads everything that the
 * step's sequences read, through the slots' block tables, and stops at the first entry that isn't what the sequence's own prefix put there:
 * overwritten, never written, freed, of another salt. Runs a step when it is submitted or, as late as it may, when it is awaited.
 */
final class FakeExecutor implements Executor {
    private static final class Slot {
        SlotSetup setup;
        int[] table;
        /** Prompt and generated tokens: what the cache should hold. */
        int[] ids = {};
        int length;
        int last;

        void accept(int token) {
            if (length == ids.length) ids = Arrays.copyOf(ids, length + 32);
            ids[length++] = token;
            last = token;
        }
    }

    private record Result(boolean[] invalid, int[] tokens, float[] logprobs) implements StepOutput {
        @Override
        public boolean invalid(int row) {
            return invalid[row];
        }

        @Override
        public int token(int row) {
            return tokens[row];
        }

        @Override
        public float logprob(int row) {
            return logprobs[row];
        }

        @Override
        public int rank(int row) {
            return 1;
        }

        @Override
        public int topToken(int row, int k) {
            return k;
        }

        @Override
        public float topLogprob(int row, int k) {
            return -k;
        }
    }

    private final Limits limits;
    private final int depth;
    private final boolean late;
    private final Consumer<StepPlan> onRun;
    private final Slot[] slots;
    /** Per entry of the cache: the token and the hash of everything up to it; a hash of 0 is poison. */
    private final int[] tokens;
    private final long[] hashes;
    private final ArrayDeque<StepPlan> submitted = new ArrayDeque<>();
    private final ArrayDeque<StepOutput> results = new ArrayDeque<>();

    /** @param late whether a step runs only when it is awaited, @param onRun told of each step that runs */
    FakeExecutor(Limits limits, int depth, boolean late, Consumer<StepPlan> onRun) {
        this.limits = limits;
        this.depth = depth;
        this.late = late;
        this.onRun = onRun;
        slots = new Slot[limits.maxSequences()];
        tokens = new int[limits.kvBlocks() * limits.blockTokens()];
        hashes = new long[tokens.length];
    }

    @Override
    public void submit(StepPlan plan) {
        check(submitted.size() < depth, "more than %d steps in flight", depth);
        submitted.add(plan);
        if (!late) results.add(execute(plan));
    }

    @Override
    public StepOutput await(long stepId) {
        StepPlan plan = submitted.poll();
        check(plan != null && plan.id() == stepId, "step %d is not the oldest", stepId);
        return late ? execute(plan) : results.poll();
    }

    @Override
    public int maxInFlight() {
        return depth;
    }

    /** Nobody may read the block any more. */
    void poison(int block) {
        Arrays.fill(hashes, block * limits.blockTokens(), (block + 1) * limits.blockTokens(), 0);
    }

    private StepOutput execute(StepPlan plan) {
        onRun.accept(plan);
        check(plan.tokens() <= plan.budget() && plan.budget() <= limits.maxBatchedTokens(), "%d tokens in a budget of %d", plan.tokens(), plan.budget());
        check(plan.rows() <= limits.maxLogitRows(), "%d rows", plan.rows());
        for (StepPlan.Setup setup : plan.setups()) setUp(setup);
        for (int c = 0; c < plan.tableChanges(); c++) slots[plan.changeSlot(c)].table[plan.changeIndex(c)] = plan.changeBlock(c);
        for (int c = 0; c < plan.blockCopies(); c++) copy(plan.copySource(c), plan.copyTarget(c));
        long[] after = new long[plan.tokens()];
        for (int s = 0; s < plan.sequences(); s++) store(plan, s, after);
        Result result = new Result(new boolean[plan.rows()], new int[plan.rows()], new float[plan.rows()]);
        for (int r = 0; r < plan.rows(); r++) row(plan, r, after[plan.rowToken(r)], result);
        return result;
    }

    private void setUp(StepPlan.Setup setup) {
        Slot slot = new Slot();
        slot.setup = setup.setup();
        slot.table = new int[limits.blocksPerSequence()];
        Arrays.fill(slot.table, -1);
        for (int id : setup.setup().prompt()) slot.accept(id);
        for (int id : setup.setup().generated()) slot.accept(id);
        slot.last = -1;
        slots[setup.slot()] = slot;
    }

    private void copy(int source, int target) {
        int n = limits.blockTokens();
        System.arraycopy(tokens, source * n, tokens, target * n, n);
        System.arraycopy(hashes, source * n, hashes, target * n, n);
    }

    private void store(StepPlan plan, int s, long[] after) {
        Slot slot = slots[plan.slot(s)];
        int first = plan.firstPosition(s);
        long hash = FakeModel.root(slot.setup.seed());
        for (int p = 0; p < first; p++) {
            int entry = entry(slot, p);
            hash = FakeModel.next(hash, tokens[entry]);
            check(hashes[entry] == hash, "%s reads a wrong entry at %d of %d, block %d", plan.sequence(s), p, first, entry / limits.blockTokens());
            check(tokens[entry] == slot.ids[p], "%s has another token at %d", plan.sequence(s), p);
        }
        for (int i = 0; i < plan.count(s); i++) {
            int t = plan.firstToken(s) + i;
            int id = plan.tokenId(t) == -1 ? slot.last : plan.tokenId(t);
            check(id >= 0 && id == slot.ids[first + i], "%s is fed %d at %d instead of %d", plan.sequence(s), id, first + i, slot.ids[first + i]);
            int entry = entry(slot, first + i);
            hash = FakeModel.next(hash, id);
            tokens[entry] = id;
            hashes[entry] = hash;
            after[t] = hash;
        }
        check(plan.contextLength(s) == first + plan.count(s), "context length of %s", plan.sequence(s));
    }

    private void row(StepPlan plan, int r, long hash, Result result) {
        Slot slot = slots[plan.rowSlot(r)];
        SlotSetup setup = slot.setup;
        int target = plan.rowTarget(r);
        int generated = slot.length - setup.prompt().length;
        if (target >= 0) {
            result.tokens[r] = target;
            result.logprobs[r] = FakeModel.score(hash, target);
            return;
        }
        check(hash == FakeModel.hash(setup.seed(), Arrays.copyOf(slot.ids, slot.length)), "the row of slot %d is after other tokens", plan.rowSlot(r));
        result.invalid[r] = FakeModel.spoilt(setup.seed(), setup.choice(), generated);
        int token = FakeModel.sample(hash, setup.seed(), setup.choice(), generated, setup.minTokens(), setup.endIds());
        result.tokens[r] = result.invalid[r] ? Sampler.INVALID : token;
        result.logprobs[r] = FakeModel.score(hash, token);
        slot.accept(token);
    }

    private int entry(Slot slot, int position) {
        int block = slot.table[position / limits.blockTokens()];
        check(block >= 0, "no block at position %d", position);
        return block * limits.blockTokens() + position % limits.blockTokens();
    }

    private static void check(boolean holds, String message, Object... args) {
        if (!holds) throw new AssertionError(String.format(message, args));
    }
}
