package dev.skald.gpucheck;

/** Takes what a part finds, as soon as it is found. */
@FunctionalInterface
interface Results {
    void add(Result result);
}
