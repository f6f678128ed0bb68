package dev.skald.schedule;

import dev.skald.compute.StepOutput;
import dev.skald.kv.PrefixIndex;
import dev.skald.sampling.Sampler;
import java.util.OptionalInt;

/**
 * Takes a step's results in: what is computed is indexed, drawn tokens are appended and told, ends are seen. What came back for a sequence that
 * has ended meanwhile is dropped: it is the surplus of the steps that were planned before the end was known.
 */
final class Committer {
    private final Limits limits;
    private final Population population;
    private final PrefixIndex index;
    private long generatedTokens;

    Committer(Limits limits, Population population, PrefixIndex index) {
        this.limits = limits;
        this.population = population;
        this.index = index;
    }

    /** Tokens that have been drawn and told. */
    long generatedTokens() {
        return generatedTokens;
    }

    void commit(StepPlan plan, StepOutput output, long nowNanos) {
        for (int i = 0; i < plan.sequences(); i++) computed(plan, i);
        for (int row = 0; row < plan.rows(); row++) row(plan, row, output, nowNanos);
        for (int i = 0; i < plan.sequences(); i++) finishScored(plan.sequence(i), nowNanos);
        population.compact();
    }

    private void computed(StepPlan plan, int i) {
        Sequence s = plan.sequence(i);
        if (s.state != Sequence.State.RUNNING || s.incarnation != plan.incarnation(i)) return;
        s.computed = plan.contextLength(i);
        if (s.request.spec.cacheBypass()) return;
        int size = limits.blockTokens();
        for (; (s.chained + 1) * size <= s.computed; s.chained++) {
            s.chain = index.insert(s.request.root, s.chain, s.table.block(s.chained), s.tokens(), s.chained * size);
        }
    }

    private void row(StepPlan plan, int row, StepOutput output, long nowNanos) {
        Sequence s = plan.rowOwner(row);
        s.rowsInFlight--;
        if (s.state == Sequence.State.ENDED) return;
        if (output.invalid(row)) failInvalid(s, output.token(row), nowNanos);
        else if (plan.rowTarget(row) >= 0) scored(s.request, output, row);
        else drawn(s, output, row, nowNanos);
    }

    private void scored(Request r, StepOutput output, int row) {
        r.listener.promptLogprob(output, row);
        if (++r.scored == r.toScore()) r.listener.promptScored();
    }

    private void drawn(Sequence s, StepOutput output, int row, long nowNanos) {
        Request r = s.request;
        int token = output.token(row);
        r.sawToken(nowNanos);
        s.append(token);
        generatedTokens++;
        r.listener.token(s.choice, s.generated() - 1, token, output, row);
        if (contains(r.eosIds, token)) population.finish(s, FinishReason.EOS, OptionalInt.of(token), nowNanos);
        else if (contains(r.stopIds, token)) population.finish(s, FinishReason.STOP, OptionalInt.of(token), nowNanos);
        else if (s.generated() == r.maxNew) {
            population.finish(s, r.contextIsLimit ? FinishReason.CONTEXT : FinishReason.LENGTH, OptionalInt.empty(), nowNanos);
        }
    }

    /** A request for no tokens ends with its prompt. */
    private void finishScored(Sequence s, long nowNanos) {
        Request r = s.request;
        if (r.maxNew > 0 || r.ended || s.computed < r.promptLength()) return;
        for (Sequence choice : r.choices) population.finish(choice, FinishReason.LENGTH, OptionalInt.empty(), nowNanos);
    }

    /** Its own fault or a fault of its numbers: no other sequence is touched, and nobody gets its blocks from the index. */
    private void failInvalid(Sequence s, int why, long nowNanos) {
        for (int i = 0; i < s.table.size(); i++) index.forget(s.table.block(i));
        String place = "for token " + s.generated() + " of choice " + s.choice;
        Failure failure = why == Sampler.NOTHING_LEFT
                ? Failure.of(Failure.Kind.INVALID, "the request's filters leave no token to draw " + place)
                : Failure.of(Failure.Kind.INTERNAL, "the model's logits " + place + " are not numbers");
        population.fail(s.request, failure, nowNanos);
    }

    private static boolean contains(int[] ids, int token) {
        for (int id : ids) if (id == token) return true;
        return false;
    }
}
