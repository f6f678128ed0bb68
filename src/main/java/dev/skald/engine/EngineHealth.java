package dev.skald.engine;

import java.time.Duration;

/** Whether the engine is able to do its work. */
public sealed interface EngineHealth {
    /** Works, or waits for work. */
    record Well() implements EngineHealth {}

    /** There is work and no step has completed for this long; may pass. */
    record Stuck(Duration since) implements EngineHealth {}

    /** An invariant broke or the device is lost: all requests have failed and nothing will run any more. The caller ends the process. */
    record Broken(Throwable cause) implements EngineHealth {}

    /** Closed on purpose. */
    record Closed() implements EngineHealth {}

    EngineHealth WELL = new Well();

    /** False only for what calls for a restart. */
    default boolean alive() {
        return this instanceof Well || this instanceof Closed;
    }
}
