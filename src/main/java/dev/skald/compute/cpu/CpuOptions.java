package dev.skald.compute.cpu;

import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * How the CPU is to be used.
 *
 * @param threads compute threads, the engine's included; empty: as many as processors are available, a container's quota counted
 * @param kernels which ones
 * @param isa     instruction set of native kernels; empty: the best that this machine has
 * @param library folder of the native library; empty: there is none
 */
public record CpuOptions(OptionalInt threads, Choice kernels, Optional<String> isa, Optional<Path> library) {
    /** Which kernels. */
    public enum Choice {
        /** Native ones where they can be had, else the ones in Java, saying so. */
        AUTO,
        NATIVE,
        JAVA
    }

    public CpuOptions {
        threads.ifPresent(t -> {
            if (t < 1) throw new IllegalArgumentException(t + " threads");
        });
    }

    /** Kernels in Java. */
    public static CpuOptions java(int threads) {
        return new CpuOptions(OptionalInt.of(threads), Choice.JAVA, Optional.empty(), Optional.empty());
    }
}
