package dev.skald.schedule;

import dev.skald.compute.StepOutput;
import java.util.OptionalInt;

/**
 * Is told what becomes of a request, in this order: admitted, started, prompt log-probabilities and promptScored, tokens and finished of its
 * choices, completed; or failed at any point, last. Must not call the scheduler back.
 */
public interface RequestListener {
    void admitted();

    /** Its first step was planned. */
    void started(int cachedTokens);

    /** The next scored token of the prompt. @param row of the step's output; to be read now */
    void promptLogprob(StepOutput output, int row);

    void promptScored();

    /** @param index 0 for the choice's first token, @param row of the step's output; to be read now */
    void token(int choice, int index, int id, StepOutput output, int row);

    /** @param tokens of the choice that count, @param endId the eos or stop id that ended it */
    void finished(int choice, FinishReason reason, int tokens, OptionalInt endId);

    /** All choices are finished; the request's counts and times are final. */
    void completed();

    void failed(Failure failure);
}
