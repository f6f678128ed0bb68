package dev.skald.compute.cpu;

import dev.skald.compute.Activation;
import dev.skald.tensor.DType;

/**
 * One block of arguments per operation: written by the engine thread before the operation starts, read by all workers while it runs, and
 * used again by the next. Addresses are of native memory, strides in bytes, activations f32.
 */
final class KernelArguments {
    private KernelArguments() {}

    /** out [rows, out] = in [rows, in] · weightᵀ + bias. */
    static final class Linear {
        /** As {@link Panels} or {@link QuantPanels} says. */
        long weight;
        /** Of a quantised weight: its layout. */
        DType type = DType.F32;
        int in;
        int out;
        int rows;
        long input;
        long inputStride;
        /** [out] f32, or 0 for none. */
        long bias;
        long output;
        long outputStride;
    }

    /** x += delta, out = x / √(mean(x²) + eps) · weight. All [rows, n] and dense but the weight, [n]. */
    static final class Norm {
        int n;
        long x;
        /** 0: nothing is added. */
        long delta;
        long weight;
        float eps;
        long output;
    }

    /** out [rows, n] = activation(gate) · up; in [rows, 2n]. */
    static final class Gate {
        Activation activation = Activation.SILU;
        int n;
        long input;
        long output;
    }

    /** Copies row {@code rows[r]} of a table to row r, widened to f32. */
    static final class Lookup {
        DType type = DType.F32;
        int n;
        long table;
        NativeInts rows = NativeInts.NONE;
        long output;
    }

    /** Where the step's tokens are, and the cache. Heads, sizes and layouts as in {@link CpuKvCache}. */
    static class Cache {
        int heads;
        int kvHeads;
        int headDim;
        DType type = DType.F16;
        /** Of the layer at hand: address of block 0, head 0. */
        long keys;
        long values;
        long headBytes;
        long blockBytes;
        /** [slots, maxBlocks]. */
        NativeInts blockTables = NativeInts.NONE;
        int maxBlocks;
        /** [tokens, (heads + 2·kvHeads)·headDim]. */
        long qkv;
        long qkvStride;
        /** Per token of the step. */
        NativeInts positions = NativeInts.NONE;
        NativeInts slots = NativeInts.NONE;

        /** Index of the block that holds a slot's token. */
        final int block(int slot, int position) {
            return blockTables.get(slot * maxBlocks + position / CpuKvCache.BLOCK_TOKENS);
        }
    }

    static final class Rope extends Cache {
        /** [positions, headDim]: cosines, then sines. */
        long table;
    }

    static final class Attend extends Cache {
        float scale;
        /** [tokens, heads·headDim]. */
        long output;
        long outputStride;
        /** What is to be done. */
        final AttentionPlan plan;

        Attend(AttentionPlan plan) {
            this.plan = plan;
        }
    }
}
