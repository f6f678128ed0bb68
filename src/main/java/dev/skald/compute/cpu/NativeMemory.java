package dev.skald.compute.cpu;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * Zeroed native memory that lives as long as its device. Large pieces lie in huge pages where the system grants them on request: with 4 KiB
 * pages a core reads weights at 18–24 GB/s where it could at 30, for all its misses in the TLB. Pages are only touched when they are used
 * first, so that a large cache doesn't delay the start. Used by the loader.
 */
public final class NativeMemory implements AutoCloseable {
    private static final long ALIGNMENT = 64;
    private static final long HUGE_PAGE = 2 << 20;
    /** Linux: back this range by huge pages. */
    private static final int MADV_HUGEPAGE = 14;
    private static final int MADV_DONTNEED = 4;
    /** The largest that Linux systems use. */
    private static final long PAGE = 64 << 10;
    private static final boolean LINUX = System.getProperty("os.name").equals("Linux");

    private static final Linker LINKER = Linker.nativeLinker();
    private static final Optional<MethodHandle> CALLOC =
            function("calloc", FunctionDescriptor.of(ValueLayout.ADDRESS, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG));
    private static final Optional<MethodHandle> FREE = function("free", FunctionDescriptor.ofVoid(ValueLayout.ADDRESS));
    private static final Optional<MethodHandle> MADVISE = LINUX
            ? function("madvise", FunctionDescriptor.of(
                    ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG, ValueLayout.JAVA_INT))
            : Optional.empty();

    private final Arena arena = Arena.ofShared();

    /**
     * @return {@code bytes} zeros, aligned to 64 bytes
     * @throws OutOfMemoryError if the system refuses
     */
    public MemorySegment allocate(long bytes) {
        if (bytes < HUGE_PAGE || CALLOC.isEmpty() || FREE.isEmpty()) return arena.allocate(Math.max(bytes, 1), ALIGNMENT);
        // calloc, unlike an arena, takes large pieces fresh from the system and needn't touch them.
        long padded = Math.addExact(bytes, 2 * HUGE_PAGE);
        MemorySegment piece = (MemorySegment) call(CALLOC.get(), 1L, padded);
        if (piece.address() == 0) throw new OutOfMemoryError("the system refused " + bytes + " bytes of native memory");
        MemorySegment owned = piece.reinterpret(padded, arena, NativeMemory::free);
        long skip = -piece.address() & HUGE_PAGE - 1;
        long whole = Math.ceilDiv(bytes, HUGE_PAGE) * HUGE_PAGE;
        // Advice only: refused, the memory is as good but slower.
        MADVISE.ifPresent(madvise -> call(madvise, piece.address() + skip, whole, MADV_HUGEPAGE));
        return owned.asSlice(skip, bytes, ALIGNMENT);
    }

    /**
     * Says that pages of mapped files, which were copied from, won't be needed soon: they leave this process's memory, not the system's cache.
     * Reading them again is harmless.
     */
    static void dropPages(List<MemorySegment> read) {
        if (MADVISE.isEmpty()) return;
        List<MemorySegment> mapped = read.stream().filter(MemorySegment::isMapped).sorted(Comparator.comparingLong(MemorySegment::address)).toList();
        for (int i = 0, next; i < mapped.size(); i = next) {
            long begin = mapped.get(i).address();
            long end = begin + mapped.get(i).byteSize();
            for (next = i + 1; next < mapped.size() && mapped.get(next).address() <= end; next++) {
                end = Math.max(end, mapped.get(next).address() + mapped.get(next).byteSize());
            }
            long firstPage = Math.ceilDiv(begin, PAGE) * PAGE;
            long lastPage = end / PAGE * PAGE;
            if (lastPage > firstPage) call(MADVISE.get(), firstPage, lastPage - firstPage, MADV_DONTNEED);
        }
    }

    @Override
    public void close() {
        if (arena.scope().isAlive()) arena.close();
    }

    private static void free(MemorySegment piece) {
        call(FREE.orElseThrow(), piece);
    }

    private static Optional<MethodHandle> function(String name, FunctionDescriptor descriptor) {
        SymbolLookup library = LINKER.defaultLookup();
        return library.find(name).map(symbol -> LINKER.downcallHandle(symbol, descriptor));
    }

    private static Object call(MethodHandle function, Object... arguments) {
        try {
            return function.invokeWithArguments(arguments);
        } catch (Throwable t) {
            throw new AssertionError("a call into libc can't throw", t);
        }
    }
}
