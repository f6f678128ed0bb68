package dev.skald.quantize;

import dev.skald.tensor.Block;
import dev.skald.tensor.DType;
import dev.skald.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;

/**
 * Quantises tensors with several threads. A block depends on its own elements alone, so that the bytes are the same whatever the number of
 * threads and whoever calls. Belongs to one thread.
 */
public final class Quantiser implements AutoCloseable {
    private final int threads;
    private final ExecutorService workers;

    /** @param threads that compute, at least 1 */
    public Quantiser(int threads) {
        if (threads < 1) throw new IllegalArgumentException(threads + " threads can't quantise");
        this.threads = threads;
        workers = Executors.newFixedThreadPool(threads, Thread.ofPlatform().daemon().name("quantise-", 0).factory());
    }

    /**
     * Writes all of {@code source}, row after row, as {@code type}; a source of that type is copied as it is.
     *
     * @param source [rows, cols] of any numeric type, cols a multiple of the block
     * @param target of exactly {@code type.bytes(elements)} bytes
     * @throws QuantisationException if an element can't be represented: infinite, not a number, or too large for the type
     */
    public void convert(Tensor source, DType type, MemorySegment target) {
        long elements = source.shape().elements();
        long cols = source.shape().rank() == 0 ? 1 : source.shape().dim(source.shape().rank() - 1);
        if (cols % type.blockElements() != 0) {
            throw new IllegalArgumentException("a row of " + source.name() + " " + source.shape() + " is not whole blocks of " + type);
        }
        if (target.byteSize() != type.bytes(elements)) {
            throw new IllegalArgumentException(source.name() + " takes " + type.bytes(elements) + " bytes, not " + target.byteSize());
        }
        if (source.dtype() == type) {
            MemorySegment.copy(source.data(), 0, target, 0, target.byteSize());
        } else if (type.quantised()) {
            int stretch = Block.groupElements(type) * Tile.LANES;
            spread(Math.ceilDiv(elements, stretch), next -> quantise(source, type, target, next));
        } else {
            spread(Math.ceilDiv(elements, Halves.STRETCH), next -> round(source, type, target, next));
        }
    }

    private void spread(long stretches, Consumer<AtomicLong> work) {
        AtomicLong next = new AtomicLong();
        List<Future<?>> running = new ArrayList<>();
        for (long t = 0; t < Math.min(threads, stretches); t++) running.add(workers.submit(() -> work.accept(next)));
        finish(running);
    }

    private static void quantise(Tensor source, DType type, MemorySegment target, AtomicLong next) {
        Tile tile = new Tile(source, Block.groupElements(type));
        BlockEncoder encoder = BlockEncoder.of(type);
        long elements = source.shape().elements();
        int stretch = tile.elements * Tile.LANES;
        byte[] blocks = new byte[(int) type.bytes(stretch)];
        for (long first = stretch * next.getAndIncrement(); first < elements; first = stretch * next.getAndIncrement()) {
            int count = (int) Math.min(stretch, elements - first);
            tile.load(first, count);
            try {
                encoder.encode(tile, count / type.blockElements(), blocks);
            } catch (ArithmeticException e) {
                throw new QuantisationException("tensor " + source.name() + " can't be quantised: " + e.getMessage() + ", the scale of " + type);
            }
            MemorySegment.copy(blocks, 0, target, ValueLayout.JAVA_BYTE, type.bytes(first), (int) type.bytes(count));
        }
    }

    private static void round(Tensor source, DType type, MemorySegment target, AtomicLong next) {
        Halves halves = new Halves(source);
        long elements = source.shape().elements();
        for (long i = next.getAndIncrement(); i * Halves.STRETCH < elements; i = next.getAndIncrement()) {
            halves.convert(i * Halves.STRETCH, (int) Math.min(Halves.STRETCH, elements - i * Halves.STRETCH), type, target);
        }
    }

    /** Waits for all, whatever happens to one of them: the target belongs to the caller afterwards. */
    private static void finish(List<Future<?>> running) {
        RuntimeException failure = null;
        boolean interrupted = false;
        for (Future<?> part : running) {
            while (true) {
                try {
                    part.get();
                    break;
                } catch (InterruptedException e) {
                    interrupted = true;
                } catch (ExecutionException e) {
                    if (e.getCause() instanceof Error error) throw error;
                    failure = (RuntimeException) e.getCause();
                    break;
                }
            }
        }
        if (interrupted) Thread.currentThread().interrupt();
        if (failure != null) throw failure;
    }

    @Override
    public void close() {
        workers.shutdownNow();
    }
}
