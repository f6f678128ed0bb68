package dev.skald.compute.cuda;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The software CUDA device of native/simcuda, as the build has made it. Loading its libraries by path gives them the names that JCuda's libraries
 * ask for, in this JVM only: a driver that the machine may have is shadowed nowhere else.
 */
public final class SimCuda {
    private static final Path FOLDER = Path.of("target/simcuda").toAbsolutePath();
    private static final Path DRIVER = FOLDER.resolve("libcuda.so.1");
    private static final Path CUBLAS = FOLDER.resolve("libcublas.so.12");
    private static boolean loaded;

    private SimCuda() {}

    /** Where the build has a C++ compiler, and the processor is an x86-64 under Linux. */
    public static boolean isHere() {
        return Files.exists(DRIVER) && Files.exists(CUBLAS) && Files.exists(kernels());
    }

    /** Skips the calling test, saying why, where there is none; else makes it this JVM's CUDA driver. */
    public static synchronized void use() {
        assumeTrue(isHere(), "skipped: no software CUDA device in target/simcuda; building it needs g++ on Linux x86-64");
        if (loaded) return;
        System.load(DRIVER.toString());
        System.load(CUBLAS.toString());
        loaded = true;
    }

    public static Path folder() {
        return FOLDER;
    }

    /** Folder of the kernels' image. */
    public static Path kernels() {
        return FOLDER.resolve("kernels");
    }

    /** Folder of an image of the same kernels, and of planted mistakes, in which simcuda-check sees every access. */
    static Path checkedKernels() {
        return FOLDER.resolve("check");
    }

    /** What simcuda-check found since the last call: the first of each kind and place, a line each, and how often there was anything. */
    record Findings(int count, String text) {}

    static Findings findings() {
        MethodHandle findings = Linker.nativeLinker().downcallHandle(
                SymbolLookup.libraryLookup(DRIVER, Arena.global()).find("simcuda_findings").orElseThrow(),
                FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_LONG));
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment text = arena.allocate(1 << 16);
            int count = (int) findings.invokeExact(text, text.byteSize());
            return new Findings(count, text.getString(0));
        } catch (Throwable t) {
            throw new AssertionError(t);
        }
    }

    /** What the device has done since it was loaded. @param launches kernels that ran @param launchCalls those that the host launched one by one, outside graphs */
    public record Counters(
            long launches, long bytesUp, long bytesDown, long copiesUp, long copiesDown, long allocations, long graphLaunches, long liveBytes,
            long launchCalls) {
        public Counters since(Counters before) {
            return new Counters(
                    launches - before.launches, bytesUp - before.bytesUp, bytesDown - before.bytesDown, copiesUp - before.copiesUp,
                    copiesDown - before.copiesDown, allocations - before.allocations, graphLaunches - before.graphLaunches, liveBytes - before.liveBytes,
                    launchCalls - before.launchCalls);
        }
    }

    public static Counters counters() {
        use();
        MemorySegment c = SymbolLookup.libraryLookup(DRIVER, Arena.global()).find("simcuda_counters").orElseThrow().reinterpret(9 * Long.BYTES);
        long[] v = c.toArray(ValueLayout.JAVA_LONG);
        return new Counters(v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8]);
    }

    /** From now on every call fails with this code; 0 mends the device. */
    public static void lose(int code) {
        use();
        MethodHandle lose = Linker.nativeLinker().downcallHandle(
                SymbolLookup.libraryLookup(DRIVER, Arena.global()).find("simcuda_lose").orElseThrow(), FunctionDescriptor.ofVoid(ValueLayout.JAVA_INT));
        try {
            lose.invokeExact(code);
        } catch (Throwable t) {
            throw new AssertionError(t);
        }
    }
}
