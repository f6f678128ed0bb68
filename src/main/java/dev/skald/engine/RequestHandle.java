package dev.skald.engine;

import dev.skald.schedule.Failure;

/** Acts on a running request. Thread-safe; without effect once the request has ended. */
public interface RequestHandle {
    /** Ends the request with {@code failure}; its blocks are free within one step after those in flight. */
    void cancel(Failure failure);

    /**
     * A stop string was completed by token {@code atToken} (index) of the choice: it ends there with STOP; later tokens are neither billed nor
     * cached. If the choice has ended by itself meanwhile, what was told of it stands and the caller, who knows better, counts
     * {@code atToken + 1} tokens; the cache forgets the later ones all the same.
     */
    void finish(int choice, int atToken);

    /** The client does not read: produce nothing more for now; the first to be preempted. Ends it after the slow-reader timeout. */
    void pause();

    void resume();
}
