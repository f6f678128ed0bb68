package dev.skald.weights;

import dev.skald.tensor.DType;
import dev.skald.tensor.Shape;
import dev.skald.tensor.Tensor;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SortedSet;

/**
 * The named tensors of a model, mapped read-only. One permitted class per file format. A device may read a mapping in place, so a checkpoint
 * is closed after the device that packed it.
 */
public sealed interface Checkpoint extends AutoCloseable permits SafetensorsCheckpoint, PyTorchCheckpoint, GgufCheckpoint, RandomCheckpoint, PackedCheckpoint {
    /** Ending of GGUF files. */
    String GGUF = ".gguf";

    /** Ending of packed files. */
    String PACKED = ".skald";

    /** What the files are, for people: "safetensors", "PyTorch", "GGUF v3". */
    String format();

    /** Names of all tensors, in ascending order. */
    SortedSet<String> names();

    /**
     * Shape of a tensor, whatever its element type.
     *
     * @throws CheckpointException if there is none of this name
     */
    Shape shape(String name);

    /**
     * Element type of a tensor.
     *
     * @throws CheckpointException as {@link #tensor}
     */
    default DType dtype(String name) {
        return tensor(name).dtype();
    }

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
     * Opens a model: a {@code .gguf} or {@code .skald} file, or a folder with {@code model.safetensors}, else the shards of its index, else
     * {@code pytorch_model.bin}, else the shards of its index.
     *
     * @throws CheckpointException if there is no weight file of a known format, or one of them is damaged
     */
    static Checkpoint open(Path model) {
        if (isGguf(model)) return GgufCheckpoint.open(model);
        if (isPacked(model)) return PackedCheckpoint.open(model);
        if (!Files.isDirectory(model)) throw new CheckpointException(model + " is neither a folder nor a " + GGUF + " or " + PACKED + " file");
        if (SafetensorsCheckpoint.isIn(model)) return SafetensorsCheckpoint.open(model);
        if (PyTorchCheckpoint.isIn(model)) return PyTorchCheckpoint.open(model);
        throw new CheckpointException(model + " has no weights: neither model.safetensors nor pytorch_model.bin, nor an index of shards of either");
    }

    /** Whether a path names a GGUF file. */
    static boolean isGguf(Path model) {
        return isFile(model, GGUF);
    }

    /** Whether a path names a packed file. */
    static boolean isPacked(Path model) {
        return isFile(model, PACKED);
    }

    private static boolean isFile(Path model, String ending) {
        return model.getFileName() != null && model.getFileName().toString().endsWith(ending) && !Files.isDirectory(model);
    }
}
