package dev.skald.compute.cuda;

import static dev.skald.compute.cuda.Driver.check;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import jcuda.driver.CUevent;
import jcuda.driver.CUevent_flags;
import jcuda.driver.CUstream;
import jcuda.driver.JCudaDriver;

/**
 * Brings large host memory to the device: readers copy pieces of it, and so the pages of a mapped file from its disk, into pinned memory, while the
 * device copies those that were read before. One thread of many reads about 3 GB/s from the page cache, the bus takes 25 and more. Readers touch memory
 * only; every call of the driver is the loader's, in order.
 */
final class PinnedRing implements AutoCloseable {
    static final int READERS = 8;
    static final int PIECES = 2 * READERS;
    static final long PIECE_BYTES = 4 << 20;

    private final CudaMemory memory;
    private final CUstream stream;
    private final ExecutorService readers;
    private final MemorySegment[] pieces = new MemorySegment[PIECES];
    private final CUevent[] copied = new CUevent[PIECES];
    private final List<Future<?>> reads = new ArrayList<>(PIECES);

    PinnedRing(CudaMemory memory, CUstream stream) {
        this.memory = memory;
        this.stream = stream;
        AtomicInteger count = new AtomicInteger();
        ThreadFactory daemons = task -> {
            Thread thread = new Thread(task, "skald-upload-" + count.getAndIncrement());
            thread.setDaemon(true);
            return thread;
        };
        for (int i = 0; i < PIECES; i++) {
            pieces[i] = memory.pinned(PIECE_BYTES);
            copied[i] = new CUevent();
            check("cuEventCreate", JCudaDriver.cuEventCreate(copied[i], CUevent_flags.CU_EVENT_DISABLE_TIMING));
            reads.add(CompletableFuture.completedFuture(null));
        }
        readers = Executors.newFixedThreadPool(READERS, daemons);
    }

    /** Returns when the last piece was read; the device may be copying still. @param from readable by any thread @param target device memory */
    void send(MemorySegment from, long target) {
        long count = Math.ceilDiv(from.byteSize(), PIECE_BYTES);
        long read = 0;
        for (long at = 0; at < count; at++) {
            for (; read < count && read < at + PIECES; read++) read(from, read);
            copy(from, at, target);
        }
    }

    private static long bytes(MemorySegment from, long piece) {
        return Math.min(PIECE_BYTES, from.byteSize() - piece * PIECE_BYTES);
    }

    /** Once what lay in its place is on the device. */
    private void read(MemorySegment from, long piece) {
        int place = (int) (piece % PIECES);
        check("cuEventSynchronize", JCudaDriver.cuEventSynchronize(copied[place]));
        MemorySegment to = pieces[place];
        reads.set(place, readers.submit(() -> MemorySegment.copy(from, piece * PIECE_BYTES, to, 0, bytes(from, piece))));
    }

    private void copy(MemorySegment from, long piece, long target) {
        int place = (int) (piece % PIECES);
        try {
            reads.get(place).get();
        } catch (ExecutionException e) {
            throw new IllegalStateException("weights can't be read", e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("loading was interrupted", e);
        }
        check("cuMemcpyHtoDAsync", JCudaDriver.cuMemcpyHtoDAsync(
                new DeviceAddress(target + piece * PIECE_BYTES), new Address(pieces[place].address()), bytes(from, piece), stream));
        check("cuEventRecord", JCudaDriver.cuEventRecord(copied[place], stream));
    }

    /** Gives the pinned memory back; what is under way must have ended. */
    @Override
    public void close() {
        readers.shutdownNow();
        try {
            if (!readers.awaitTermination(1, TimeUnit.MINUTES)) return; // memory that is still written to is not given back
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return;
        }
        for (int i = 0; i < PIECES; i++) {
            memory.freePinned(pieces[i]);
            JCudaDriver.cuEventDestroy(copied[i]);
        }
    }
}
