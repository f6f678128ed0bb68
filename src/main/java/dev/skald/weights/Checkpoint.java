package dev.skald.weights;

import dev.skald.tensor.Shape;
import dev.skald.tensor.Tensor;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SortedSet;

/**
 * The named tensors of a model, mapped read-only. One permitted class per file format. A device may read a mapping in place, so a checkpoint
 * is closed after the device that packed it.
 */
public sealed interface Checkpoint extends AutoCloseable permits SafetensorsCheckpoint {
    /** Names of all tensors, in ascending order. */
    SortedSet<String> names();

    /**
     * Shape of a tensor, whatever its element type.
     *
     * @throws CheckpointException if there is none of this name
     */
    Shape shape(String name);

    /**
     * A tensor's mapped bytes, valid until {@link #close}.
     *
     * @throws CheckpointException if there is none of this name, or its element type is not one that Skald computes with
     */
    Tensor tensor(String name);

    /** Unmaps everything; a tensor that is read afterwards throws IllegalStateException. */
    @Override
    void close();

    /**
     * Opens a model folder: {@code model.safetensors}, else the shards of {@code model.safetensors.index.json}.
     *
     * @throws CheckpointException if there is no weight file of a known format, or one of them is damaged
     */
    static Checkpoint open(Path folder) {
        if (!Files.isDirectory(folder)) throw new CheckpointException(folder + " is not a folder");
        return SafetensorsCheckpoint.open(folder);
    }
}
