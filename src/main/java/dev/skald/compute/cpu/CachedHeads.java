package dev.skald.compute.cpu;

import dev.skald.compute.QuantisedHead;
import dev.skald.tensor.DType;
import jdk.incubator.vector.FloatVector;

/** Elements of a head in one block of the cache, as {@link CpuKvCache} lays them out in each type, and f32. */
final class CachedHeads {
    private static final int SLOTS = CpuKvCache.BLOCK_TOKENS;
    private static final int BLOCK = DType.Q8_0.blockElements();

    private CachedHeads() {}

    /** All keys of a head in a block. @param to [headDim, 16] */
    static void widenKeys(DType type, long from, int headDim, float[] to) {
        if (!type.quantised()) {
            Halves.widen(type, from, to, 0, headDim * SLOTS);
            return;
        }
        long scales = from + (long) SLOTS * headDim;
        for (int first = 0; first < headDim; first += BLOCK, scales += 2L * SLOTS) {
            int end = Math.min(headDim, first + BLOCK);
            for (int lane = 0; lane < SLOTS; lane += Lanes.LENGTH) {
                FloatVector scale = Halves.widenF16(Lanes.loadShorts(scales + 2L * lane));
                for (int d = first; d < end; d++) {
                    int at = d * SLOTS + lane;
                    Lanes.loadBytes(from + at).mul(scale).intoArray(to, at);
                }
            }
        }
    }

    /** The values of a head in the first slots of a block. @param to [slots, width] @param width headDim, padded to whole vectors */
    static void widenValues(DType type, long from, int headDim, int slots, float[] to, int width) {
        if (type.quantised()) {
            widenValues(from, headDim, slots, to, width);
        } else if (headDim == width) {
            Halves.widen(type, from, to, 0, slots * headDim);
        } else {
            for (int s = 0; s < slots; s++) Halves.widen(type, from + type.bytes((long) s * headDim), to, s * width, headDim);
        }
    }

    private static void widenValues(long from, int headDim, int slots, float[] to, int width) {
        long scales = from + (long) SLOTS * headDim;
        for (int s = 0; s < slots; s++) {
            long row = from + (long) s * headDim;
            for (int first = 0; first < headDim; first += BLOCK, scales += 2) {
                float scale = Float.float16ToFloat(RawMemory.loadShort(scales));
                int end = Math.min(headDim, first + BLOCK);
                int d = first;
                for (; d + Lanes.LENGTH <= end; d += Lanes.LENGTH) Lanes.loadBytes(row + d).mul(scale).intoArray(to, s * width + d);
                for (; d < end; d++) to[s * width + d] = scale * RawMemory.loadByte(row + d);
            }
        }
    }

    /** One token's key. @param x address of [headDim] f32 @param head address of the head in the block */
    static void storeKey(DType type, long x, int headDim, long head, int slot) {
        if (type.quantised()) {
            quantise(x, headDim, head + slot, SLOTS, head + (long) SLOTS * headDim + 2L * slot, 2L * SLOTS);
            return;
        }
        int element = type.bytes();
        Halves.narrow(type, x, headDim, head + (long) slot * element, (long) SLOTS * element);
    }

    /** One token's value. @param x address of [headDim] f32 @param head address of the head in the block */
    static void storeValue(DType type, long x, int headDim, long head, int slot) {
        if (type.quantised()) {
            long scales = 2L * Math.ceilDiv(headDim, BLOCK);
            quantise(x, headDim, head + (long) slot * headDim, 1, head + (long) SLOTS * headDim + slot * scales, 2);
            return;
        }
        Halves.narrow(type, x, headDim, head + type.bytes((long) slot * headDim), type.bytes());
    }

    /** Integers {@code stride} bytes apart, scales {@code scaleStride}. As {@link QuantisedHead} says. */
    private static void quantise(long x, int headDim, long to, long stride, long scaleTo, long scaleStride) {
        for (int first = 0; first < headDim; first += BLOCK, scaleTo += scaleStride) {
            int end = Math.min(headDim, first + BLOCK);
            short scale = scale(x, first, end);
            float inverse = QuantisedHead.inverse(scale);
            RawMemory.storeShort(scale, scaleTo);
            for (int d = first; d < end; d++) RawMemory.storeByte(QuantisedHead.quant(RawMemory.loadFloat(x + 4L * d), inverse), to + d * stride);
        }
    }

    private static short scale(long x, int first, int end) {
        float most = 0;
        for (int d = first; d < end; d++) most = QuantisedHead.greater(most, RawMemory.loadFloat(x + 4L * d));
        return QuantisedHead.scale(most);
    }
}
