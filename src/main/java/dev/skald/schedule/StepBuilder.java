package dev.skald.schedule;

import java.util.ArrayList;
import java.util.List;

/** Collects a step while it is decided, in arrays that are used again for the next one. */
final class StepBuilder {
    private final int maxRows;
    long id;
    int budget;
    int prefillTokens;
    final List<Sequence> members = new ArrayList<>();
    final IntList sequences = new IntList();
    final IntList ids = new IntList();
    final List<Sequence> rowOwners = new ArrayList<>();
    final IntList rows = new IntList();
    final IntList changes = new IntList();
    final IntList copies = new IntList();
    final IntList slots = new IntList();
    final List<StepPlan.Setup> setups = new ArrayList<>();

    StepBuilder(int maxRows) {
        this.maxRows = maxRows;
    }

    void begin(long stepId, int tokenBudget) {
        id = stepId;
        budget = tokenBudget;
        prefillTokens = 0;
        members.clear();
        sequences.clear();
        ids.clear();
        rowOwners.clear();
        rows.clear();
        changes.clear();
        copies.clear();
        slots.clear();
        setups.clear();
    }

    boolean isEmpty() {
        return members.isEmpty();
    }

    int tokensLeft() {
        return budget - ids.size();
    }

    int rowsLeft() {
        return maxRows - rowOwners.size();
    }

    /** The tokens that follow are the sequence's next ones. Tells the device of its slot and its new blocks, if it doesn't know them. */
    void sequence(Sequence s, boolean prefill) {
        introduce(s);
        for (int i = s.tableSent; i < s.table.size(); i++) {
            changes.add(s.slot);
            changes.add(i);
            changes.add(s.table.block(i));
        }
        s.tableSent = s.table.size();
        members.add(s);
        slots.add(s.slot);
        sequences.add(prefill ? ~s.incarnation : s.incarnation);
        sequences.add(s.scheduled);
        sequences.add(ids.size());
    }

    /** Tells the device whose slot it is, once. */
    void introduce(Sequence s) {
        if (s.slotReady) return;
        setups.add(new StepPlan.Setup(s.slot, s.slotSetup()));
        s.slotReady = true;
    }

    void copyBlock(int source, int target) {
        copies.add(source);
        copies.add(target);
    }

    /** The current sequence's next token. */
    void token(int id, boolean prefill) {
        ids.add(id);
        if (prefill) prefillTokens++;
    }

    /** The last token's logits are to be sampled for this sequence. */
    void sample(Sequence s) {
        row(s, -1, s.request.spec.topLogprobs());
        s.drawn++;
    }

    /** The last token's logits are to score the prompt's next token. */
    void score(Sequence s, int target) {
        row(s, target, s.request.spec.promptTopLogprobs());
        s.scoreNext++;
    }

    private void row(Sequence s, int target, int top) {
        rowOwners.add(s);
        rows.add(ids.size() - 1);
        rows.add(s.slot);
        rows.add(target);
        rows.add(top);
        s.rowsInFlight++;
    }
}
