package dev.skald.compute.cpu;

import dev.skald.tensor.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;

/** What native kernels of one instruction set could do at best. Thread-safe. */
public final class CpuProbe {
    private static final long BLOCK_BYTES = 4 * 8;
    /** Any quantised type will do: they all multiply 8-bit integers. */
    private static final long QUANTISED = 8;

    private final MemorySegment peak;

    /**
     * @param folder of the native library
     * @param isa    as {@link dev.skald.compute.DeviceInfo} names it
     * @throws IllegalStateException if that library has no such kernels, or can't be loaded
     */
    public CpuProbe(Path folder, String isa) {
        peak = NativeLibrary.load(folder.resolve(NativeLibrary.fileName())).function("peak", isa);
    }

    /**
     * Does multiply-adds in registers on the calling thread, of the kind that products with such weights are made of.
     *
     * @param rounds some tens of nanoseconds each
     * @return how many multiply-adds were done
     */
    public long multiplyAdds(DType weights, long rounds) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment block = arena.allocate(BLOCK_BYTES, 8);
            block.set(ValueLayout.JAVA_LONG, 0, weights.quantised() ? QUANTISED : ArgumentBlock.code(weights));
            block.set(ValueLayout.JAVA_LONG, 8, rounds);
            NativeLibrary.call(peak, block.address(), 0, 0, 0, 0);
            return block.get(ValueLayout.JAVA_LONG, 16);
        }
    }
}
