package dev.skald.batch;

import java.io.IOException;

/** Starts a process that runs lines alone, as {@link AloneServer} does. */
@FunctionalInterface
public interface AloneLauncher {
    /** @return with its standard input and output as pipes */
    Process start() throws IOException;
}
