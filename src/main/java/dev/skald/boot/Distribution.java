package dev.skald.boot;

import java.nio.file.Path;
import java.util.Optional;

/** Folders of the distribution that runs, as its launcher names it. */
public final class Distribution {
    private static final String HOME_PROPERTY = "skald.home";

    private Distribution() {}

    /** Where native libraries lie; empty where classes run without a distribution. */
    public static Optional<Path> nativeFolder() {
        String home = System.getProperty(HOME_PROPERTY, "");
        return home.isEmpty() ? Optional.empty() : Optional.of(Path.of(home, "native"));
    }
}
