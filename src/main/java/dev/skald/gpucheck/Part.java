package dev.skald.gpucheck;

/** A piece of the check that runs in a process of its own, under a limit of its own. */
interface Part {
    /** As `--only` names it. */
    String name();

    /** A sentence for the page: what is looked at. */
    String about();

    /** Seconds; then its process is ended, and what it has found until then is kept. */
    int limitSeconds();

    /** Runs on the main thread of a process that does nothing else. @throws Exception of any kind: the part failed there */
    void run(Surroundings surroundings, Results results) throws Exception;
}
