package dev.skald.compute.cpu;

import java.util.Optional;

/**
 * Makes the kernels that were asked for, never others; which ones {@code auto} took, and why, is said in {@link #why}.
 *
 * @param why one clause: what they are, and for a fall-back its reason
 */
record KernelChoice(Kernels kernels, String why) {
    private static final String VECTOR_MODULE = "jdk.incubator.vector";

    /** @throws IllegalStateException if they can't be had; the message says why, and what can */
    static KernelChoice make(CpuOptions options, NativeMemory memory) {
        return switch (options.kernels()) {
            case NATIVE -> nativeKernels(options, memory);
            case JAVA -> {
                options.isa().ifPresent(isa -> {
                    throw new IllegalStateException("--isa " + isa + " chooses among native kernels; those in Java take vectors as wide as the processor's");
                });
                yield javaKernels(memory, "kernels in Java, as asked");
            }
            case AUTO -> {
                try {
                    yield nativeKernels(options, memory);
                } catch (IllegalStateException e) {
                    if (options.isa().isPresent()) throw e;
                    yield javaKernels(memory, "kernels in Java, since native ones can't be had: " + e.getMessage());
                }
            }
        };
    }

    private static KernelChoice nativeKernels(CpuOptions options, NativeMemory memory) {
        NativeLibrary library = NativeLibrary.load(options.library()
                .orElseThrow(() -> new IllegalStateException("there is no folder with a native library: start Skald by its launcher"))
                .resolve(NativeLibrary.fileName()));
        Optional<String> asked = options.isa();
        asked.filter(isa -> !library.isas().contains(isa)).ifPresent(isa -> {
            throw new IllegalStateException("--isa " + isa + ": this machine and build have " + String.join(", ", library.isas()));
        });
        String isa = asked.orElse(library.isas().getFirst());
        return new KernelChoice(new NativeKernels(library, isa, memory), asked.isPresent() ? "native kernels, as asked" : "native kernels");
    }

    private static KernelChoice javaKernels(NativeMemory memory, String why) {
        if (ModuleLayer.boot().findModule(VECTOR_MODULE).isEmpty()) {
            throw new IllegalStateException(why + "; but those need the Vector API: start Java with --add-modules " + VECTOR_MODULE
                    + " (the launcher does, if it sees --kernels java or SKALD__KERNELS=java)");
        }
        Kernels kernels = new VectorKernels(memory);
        return new KernelChoice(kernels, why);
    }
}
