package dev.skald.engine;

import dev.skald.schedule.Load;

/**
 * The engine's figures at the beginning of its last turn. Immutable.
 *
 * @param load        what there is to do
 * @param steps       steps completed
 * @param deviceNanos time that the engine thread spent in the executor: submitting and waiting
 * @param hostNanos   time that it spent on everything else while there was work: commands, planning, results, events
 */
public record EngineSnapshot(Load load, long steps, long deviceNanos, long hostNanos) {
    /** Share of the working time that is not the device's. */
    public double overhead() {
        return deviceNanos + hostNanos == 0 ? 0 : (double) hostNanos / (deviceNanos + hostNanos);
    }
}
