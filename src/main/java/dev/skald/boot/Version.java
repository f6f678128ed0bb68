package dev.skald.boot;

import java.util.Optional;

/** Which Skald this is. */
public final class Version {
    /** Of the jar that runs; "development" where classes run without one. */
    public static final String CURRENT =
            Optional.ofNullable(Version.class.getPackage().getImplementationVersion()).orElse("development");

    private Version() {}
}
