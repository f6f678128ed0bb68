package dev.skald.convert;

/** Hears how far a conversion is. Called by the converting thread, often. */
@FunctionalInterface
public interface Progress {
    Progress NONE = (done, total) -> {};

    /** @param done bytes of {@code total} that are written */
    void at(long done, long total);
}
