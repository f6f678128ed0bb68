package dev.skald.weights;

import dev.skald.tensor.Shape;
import dev.skald.tensor.Tensor;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.NavigableMap;
import java.util.SortedSet;
import java.util.TreeMap;

/** A model folder with weights as PyTorch saves them, one file or many. */
public final class PyTorchCheckpoint implements Checkpoint {
    static final String SINGLE = "pytorch_model.bin";
    static final String INDEX = "pytorch_model.bin.index.json";

    private final Arena arena = Arena.ofShared();
    private final Path folder;
    private final NavigableMap<String, PyTorchFile> tensors = new TreeMap<>();

    private PyTorchCheckpoint(Path folder) {
        this.folder = folder;
    }

    static boolean isIn(Path folder) {
        return Files.exists(folder.resolve(SINGLE)) || Files.exists(folder.resolve(INDEX));
    }

    static PyTorchCheckpoint open(Path folder) {
        PyTorchCheckpoint checkpoint = new PyTorchCheckpoint(folder);
        try {
            if (Files.exists(folder.resolve(SINGLE))) checkpoint.map(SINGLE);
            else checkpoint.mapShards(ShardIndex.read(folder.resolve(INDEX), ".bin"));
            return checkpoint;
        } catch (RuntimeException e) {
            checkpoint.close();
            throw e;
        }
    }

    private void mapShards(ShardIndex index) {
        for (String file : new LinkedHashSet<>(index.shards().values())) map(file);
        for (Map.Entry<String, String> e : index.shards().entrySet()) {
            PyTorchFile file = tensors.get(e.getKey());
            if (file == null || !file.file().equals(folder.resolve(e.getValue()).toString())) {
                throw new CheckpointException(folder.resolve(INDEX) + " puts tensor " + e.getKey() + " into " + e.getValue() + ", which doesn't have it");
            }
        }
    }

    private void map(String name) {
        Path path = folder.resolve(name);
        PyTorchFile file = PyTorchFile.parse(path.toString(), MappedFile.map(path, arena));
        for (String tensor : file.tensors().keySet()) {
            PyTorchFile other = tensors.put(tensor, file);
            if (other != null) throw new CheckpointException("tensor " + Printable.of(tensor) + " is in " + path + " and in " + other.file() + " too");
        }
    }

    @Override
    public String format() {
        return "PyTorch";
    }

    @Override
    public SortedSet<String> names() {
        return Collections.unmodifiableSortedSet(tensors.navigableKeySet());
    }

    @Override
    public Shape shape(String name) {
        return find(name).tensors().get(name).shape();
    }

    @Override
    public Tensor tensor(String name) {
        return find(name).tensor(name);
    }

    private PyTorchFile find(String name) {
        PyTorchFile file = tensors.get(name);
        if (file == null) throw new CheckpointException(folder + " has no tensor " + name);
        return file;
    }

    @Override
    public void close() {
        if (arena.scope().isAlive()) arena.close();
    }
}
