package dev.skald.weights;

import dev.skald.tensor.DType;
import dev.skald.tensor.Shape;
import dev.skald.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.function.Function;

/**
 * A model of random numbers that nobody trained, for measuring. All matrices of a type are stretches of one piece of memory as large as the
 * largest, in which a pool of random blocks repeats itself: a model of any size takes little memory and no time. Norms are ones, biases too.
 */
public final class RandomCheckpoint implements Checkpoint {
    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    /** Blocks that one matrix begins after the other. */
    private static final long STRIDE = 7919;

    /** @param dtype F32 for a vector */
    public record Declared(String name, DType dtype, Shape shape) {}

    private final Arena arena = Arena.ofShared();
    private final NavigableMap<String, Declared> declared = new TreeMap<>();
    private final Map<String, Long> numbers = new TreeMap<>();
    private final Map<DType, MemorySegment> pools = new EnumMap<>(DType.class);
    private final Map<DType, MemorySegment> filled = new EnumMap<>(DType.class);
    private final Function<DType, MemorySegment> makePool;

    /**
     * @param tensors  in any order
     * @param makePool random blocks of a type, called once for each: a prime number of blocks, so that rows of a matrix differ although the
     *                 blocks repeat
     */
    public RandomCheckpoint(List<Declared> tensors, Function<DType, MemorySegment> makePool) {
        for (Declared tensor : tensors) {
            declared.put(tensor.name(), tensor);
            numbers.put(tensor.name(), (long) numbers.size());
        }
        this.makePool = makePool;
    }

    @Override
    public String format() {
        return "random numbers";
    }

    @Override
    public SortedSet<String> names() {
        return Collections.unmodifiableSortedSet(declared.navigableKeySet());
    }

    @Override
    public Shape shape(String name) {
        return find(name).shape();
    }

    @Override
    public Tensor tensor(String name) {
        Declared tensor = find(name);
        long bytes = tensor.dtype().bytes(tensor.shape().elements());
        if (tensor.shape().rank() == 1) return new Tensor(name, DType.F32, tensor.shape(), ones(tensor.shape().elements()));
        MemorySegment pool = pools.computeIfAbsent(tensor.dtype(), makePool);
        MemorySegment all = filled.computeIfAbsent(tensor.dtype(), type -> fill(type, pool));
        int blockBytes = tensor.dtype().quantised() ? tensor.dtype().blockBytes() : 32 * tensor.dtype().bytes();
        long begin = numbers.get(name) * STRIDE * blockBytes % pool.byteSize();
        return new Tensor(name, tensor.dtype(), tensor.shape(), all.asSlice(begin, bytes));
    }

    /** The pool again and again, with room for the largest matrix from any of its blocks on. */
    private MemorySegment fill(DType type, MemorySegment pool) {
        long largest = declared.values().stream().filter(t -> t.dtype() == type).mapToLong(t -> type.bytes(t.shape().elements())).max().orElse(0);
        MemorySegment all = arena.allocate(largest + pool.byteSize(), 64);
        for (long at = 0; at < all.byteSize(); at += pool.byteSize()) {
            MemorySegment.copy(pool, 0, all, at, Math.min(pool.byteSize(), all.byteSize() - at));
        }
        return all;
    }

    private MemorySegment ones(long elements) {
        float[] ones = new float[Math.toIntExact(elements)];
        java.util.Arrays.fill(ones, 1);
        MemorySegment data = MemorySegment.ofArray(new byte[4 * ones.length]);
        MemorySegment.copy(ones, 0, data, FLOAT, 0, ones.length);
        return data;
    }

    private Declared find(String name) {
        Declared tensor = declared.get(name);
        if (tensor == null) throw new CheckpointException("a model of random numbers has no tensor " + Printable.of(name));
        return tensor;
    }

    @Override
    public void close() {
        if (arena.scope().isAlive()) arena.close();
    }
}
