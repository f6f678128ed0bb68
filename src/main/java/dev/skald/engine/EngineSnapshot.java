package dev.skald.engine;

import dev.skald.schedule.Load;
import java.util.OptionalDouble;

/**
 * The engine's figures at the beginning of its last turn. Immutable.
 *
 * @param load        what there is to do
 * @param steps       steps completed
 * @param deviceNanos time that the engine thread spent in the executor: submitting and waiting
 * @param hostNanos   time that it spent on everything else while there was work: commands, planning, results, events
 */
public record EngineSnapshot(Load load, long steps, long deviceNanos, long hostNanos) {
    /** Share of the working time since an earlier snapshot that was not the device's; empty if there was none. */
    public OptionalDouble overheadSince(EngineSnapshot earlier) {
        long host = hostNanos - earlier.hostNanos;
        long all = host + deviceNanos - earlier.deviceNanos;
        return all == 0 ? OptionalDouble.empty() : OptionalDouble.of((double) host / all);
    }
}
