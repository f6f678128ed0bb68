package dev.skald.compute.cpu;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/**
 * The library of native kernels. It stays loaded until the process ends, since its code may be running on any thread. All of its functions
 * have one form, so that there is one handle to call them: making one takes milliseconds of a start. Loaded by the loader.
 *
 * @param isas instruction sets that it was built for and this machine can run, best first; not empty
 */
record NativeLibrary(Path file, List<String> isas, SymbolLookup symbols) {
    /** Raised with every change of skald.h. */
    static final int ABI_VERSION = 2;

    /** Never a critical call: kernels run long, and a thread in one must not hold up a safepoint. */
    private static final MethodHandle CALL = Linker.nativeLinker().downcallHandle(FunctionDescriptor.ofVoid(
            ValueLayout.JAVA_LONG, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));
    private static final long MAX_TEXT = 1 << 10;

    /** The library's file name on this system. */
    static String fileName() {
        return System.getProperty("os.name").toLowerCase(Locale.ROOT).contains("mac") ? "libskald.dylib" : "libskald.so";
    }

    /** @throws IllegalStateException saying in one sentence why it can't be used here */
    static NativeLibrary load(Path file) {
        if (!Files.isReadable(file)) throw new IllegalStateException("there is no " + file + " (a build with a C compiler makes it)");
        SymbolLookup symbols;
        try {
            symbols = SymbolLookup.libraryLookup(file, Arena.global());
        } catch (IllegalArgumentException e) {
            throw new IllegalStateException(file + " can't be loaded: it is damaged or for another system", e);
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment about = arena.allocate(3 * 8, 8);
            call(symbol(symbols, file, "skald_about"), about.address(), 0, 0, 0, 0);
            long version = about.get(ValueLayout.JAVA_LONG, 0);
            if (version != ABI_VERSION) {
                throw new IllegalStateException(
                        file + " has version " + version + " of its interface and this release needs " + ABI_VERSION + ": build it again");
            }
            List<String> isas = names(about.get(ValueLayout.ADDRESS, 16));
            if (isas.isEmpty()) {
                throw new IllegalStateException("this processor has none of the instruction sets that " + file + " was built for: "
                        + String.join(", ", names(about.get(ValueLayout.ADDRESS, 8))));
            }
            return new NativeLibrary(file, isas, symbols);
        }
    }

    /** A function of one instruction set. */
    MemorySegment function(String name, String isa) {
        return symbol(symbols, file, "skald_" + name + "_" + isa);
    }

    /** Calls a function. @param block address of its argument block; the numbers mean what skald.h says */
    static void call(MemorySegment function, long block, int first, int end, int third, int fourth) {
        try {
            CALL.invokeExact(function, block, first, end, third, fourth);
        } catch (Throwable t) {
            throw new AssertionError("a call into C can't throw", t);
        }
    }

    private static List<String> names(MemorySegment text) {
        String names = text.reinterpret(MAX_TEXT).getString(0);
        return names.isEmpty() ? List.of() : List.of(names.split(","));
    }

    private static MemorySegment symbol(SymbolLookup symbols, Path file, String name) {
        return symbols.find(name).orElseThrow(() -> new IllegalStateException(file + " is no library of Skald's kernels: it has no " + name));
    }
}
