package dev.skald.cli;

import dev.skald.boot.Version;

/** Which Skald this is, in one line. */
final class Release {
    private Release() {}

    static String line() {
        return "skald " + Version.CURRENT + " (Java " + Runtime.version() + ", " + System.getProperty("os.name") + " " + System.getProperty("os.arch") + ")";
    }
}
