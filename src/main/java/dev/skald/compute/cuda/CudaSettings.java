package dev.skald.compute.cuda;

import java.nio.file.Path;

/**
 * How a CUDA device is to be used.
 *
 * @param ordinal        which card, from 0
 * @param batchInvariant results don't depend on what else is in a step: our own kernels only, no cuBLAS
 * @param enforceEager   each kernel of a step is launched by itself, none played back from a graph
 * @param kernels        folder with images of the kernels of native/cuda: PTX, cubins or fat binaries
 */
public record CudaSettings(int ordinal, boolean batchInvariant, boolean enforceEager, Path kernels) {
    public CudaSettings {
        if (ordinal < 0) throw new IllegalArgumentException("device " + ordinal + " is negative");
    }

    /** With graphs. */
    public CudaSettings(int ordinal, boolean batchInvariant, Path kernels) {
        this(ordinal, batchInvariant, false, kernels);
    }
}
