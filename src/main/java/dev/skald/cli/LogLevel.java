package dev.skald.cli;

import java.util.logging.Level;

/** How much is logged on stderr. */
enum LogLevel {
    error(Level.SEVERE),
    warn(Level.WARNING),
    info(Level.INFO),
    debug(Level.FINE),
    trace(Level.FINEST);

    private final Level jul;

    LogLevel(Level jul) {
        this.jul = jul;
    }

    Level jul() {
        return jul;
    }
}
