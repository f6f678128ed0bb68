package dev.skald.engine;

import dev.skald.compute.StepOutput;
import dev.skald.schedule.StepPlan;

/** Runs steps, in the order in which they are submitted. Belongs to the engine thread. */
public interface Executor {
    /** Takes the step. Never waits for it. At most {@link #maxInFlight} steps may be submitted and not awaited. */
    void submit(StepPlan plan);

    /**
     * Waits for the oldest submitted step.
     *
     * @return its results, one entry per row of the plan; readable until {@link #maxInFlight} more steps have been submitted
     */
    StepOutput await(long stepId);

    /** 1: a step runs while it is awaited, and nothing is gained by planning ahead. */
    int maxInFlight();
}
