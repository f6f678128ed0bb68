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

    /** Takes no new request from now on; what runs or waits goes on. Without effect the second time. */
    void drain();
}
