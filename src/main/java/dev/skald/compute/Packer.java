package dev.skald.compute;

import dev.skald.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.function.LongFunction;

/** Lays weights out as one kind of device reads them, without such a device. Used by one thread, which workers of its own may help. */
public interface Packer extends AutoCloseable {
    /** Names the layout, version included: only a device whose {@link Device#packedLayout} is the same can read what this makes. */
    String layout();

    /** Threads that work. */
    int threads();

    /**
     * @param parts  see {@link Device#pack}
     * @param memory gives zeroed memory of a size in bytes, aligned to 64
     * @return in that memory, or in place where nothing needs to be changed
     */
    PackedWeight pack(WeightRole role, List<Tensor> parts, LongFunction<MemorySegment> memory);

    /** Tensors were converted or packed and won't be read again: their pages, where they are a file's, may leave this process. */
    void release(List<Tensor> sources);

    @Override
    void close();
}
