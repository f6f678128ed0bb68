package dev.skald.cli;

import java.util.Optional;

/** Which Skald this is. */
final class Release {
    private Release() {}

    /** Of the jar that runs; "development" where classes run without one. */
    static String version() {
        return Optional.ofNullable(Release.class.getPackage().getImplementationVersion()).orElse("development");
    }

    static String line() {
        return "skald " + version() + " (Java " + Runtime.version() + ", " + System.getProperty("os.name") + " " + System.getProperty("os.arch") + ")";
    }
}
