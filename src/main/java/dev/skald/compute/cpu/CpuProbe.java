package dev.skald.compute.cpu;

import dev.skald.tensor.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;

/** What native kernels of one instruction set could do at best. Thread-safe. */
public final class CpuProbe {
    private static final long BLOCK_BYTES = 4 * 8;
    /** What {@link #read} takes at once: four streams of whole cache lines. */
    public static final long READ_MULTIPLE = 1024;

    /** Any quantised type will do: they all multiply 8-bit integers. */
    private static final long QUANTISED = 8;

    private final MemorySegment peak;
    private final MemorySegment read;

    /**
     * @param folder of the native library
     * @param isa    as {@link dev.skald.compute.DeviceInfo} names it
     * @throws IllegalStateException if that library has no such kernels, or can't be loaded
     */
    public CpuProbe(Path folder, String isa) {
        NativeLibrary library = NativeLibrary.load(folder.resolve(NativeLibrary.fileName()));
        peak = library.function("peak", isa);
        read = library.function("read", isa);
    }

    /**
     * Reads memory on the calling thread, as products read weights. @param from native, a multiple of {@link #READ_MULTIPLE} bytes
     *
     * @return something of all its words
     */
    public long read(MemorySegment from) {
        if (from.byteSize() % READ_MULTIPLE != 0) throw new IllegalArgumentException(from.byteSize() + " bytes");
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment block = arena.allocate(BLOCK_BYTES, 8);
            block.set(ValueLayout.JAVA_LONG, 0, from.address());
            block.set(ValueLayout.JAVA_LONG, 8, from.byteSize());
            NativeLibrary.call(read, block.address(), 0, 0, 0, 0);
            return block.get(ValueLayout.JAVA_LONG, 16);
        }
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
