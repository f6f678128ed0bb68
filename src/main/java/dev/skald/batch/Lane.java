package dev.skald.batch;

import dev.skald.service.Inference;
import java.util.Optional;

/** A place where lines are answered: the engine of this process, or a daemon. Thread-safe. */
interface Lane extends AutoCloseable {
    /** Whether it takes lines. */
    sealed interface State {
        record Up() implements State {}

        /** Nobody answers; it is looked after, and will be up again by itself. */
        record Down(String why) implements State {}

        /** It answers, but must not be used: another model. */
        record Refused(String why) implements State {}
    }

    String name();

    State state();

    /** Only while it is up. */
    Inference inference();

    /** Sequences of ours that it should have at a time, so that it never runs dry. */
    int capacity();

    /** Sequences that others have there, as last heard. */
    int others(int ours);

    /** A call has found nobody there. */
    void lost(String why);

    /** It has answered as another model than it said. */
    void refuse(String why);

    /** What broke the engine of this process for good; a daemon's is never known to be. */
    Optional<String> broken();

    /** Whether it is in another process, which can come back. */
    boolean remote();

    @Override
    void close();
}
