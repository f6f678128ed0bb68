package dev.skald.service;

import java.util.List;

/** What whoever runs the process can see and do, beside the requests themselves. Thread-safe; nothing here blocks for longer than a step. */
public interface Operations {
    ServerInfo info();

    /** A snapshot that the engine keeps, at most one step old. */
    LoadSnapshot load();

    /** Cheap enough to be asked several times a second. */
    Health health();

    /**
     * Ends requests as {@link InferenceException.Kind#ABORTED}.
     *
     * @return the ids that were found running or waiting
     */
    List<String> abort(List<String> requestIds);

    /** Forgets cached prefixes that no running request uses. @return blocks given back */
    int flushPrefixCache();

    /**
     * Not ready from now on. Doors refuse new calls by themselves; all that they have let in goes on to its end, also what it has not yet
     * asked of the engine: a prompt that is still tokenised, the later parts of a scoring request. Without effect the second time.
     */
    void drain();
}
