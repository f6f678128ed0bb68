package dev.skald.quantize;

/** Hears how far work on a model is. Called by the thread that does it, often. */
@FunctionalInterface
public interface Progress {
    Progress NONE = (done, total) -> {};

    /** @param done bytes of {@code total} that are done */
    void at(long done, long total);
}
