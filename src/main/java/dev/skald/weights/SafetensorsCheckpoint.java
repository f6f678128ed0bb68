package dev.skald.weights;

import dev.skald.tensor.DType;
import dev.skald.tensor.Shape;
import dev.skald.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.NavigableMap;
import java.util.SortedSet;
import java.util.TreeMap;

/** A model folder in safetensors format, one file or many. */
public final class SafetensorsCheckpoint implements Checkpoint {
    private static final String SINGLE = "model.safetensors";
    private static final String INDEX = "model.safetensors.index.json";

    private final Arena arena;
    private final Path folder;
    private final NavigableMap<String, Mapped> tensors = new TreeMap<>();

    private record Mapped(String file, SafetensorsHeader.Entry entry, MemorySegment data) {}

    private SafetensorsCheckpoint(Arena arena, Path folder) {
        this.arena = arena;
        this.folder = folder;
    }

    static SafetensorsCheckpoint open(Path folder) {
        SafetensorsCheckpoint checkpoint = new SafetensorsCheckpoint(Arena.ofShared(), folder);
        try {
            checkpoint.mapAll();
            return checkpoint;
        } catch (RuntimeException e) {
            checkpoint.close();
            throw e;
        }
    }

    private void mapAll() {
        if (Files.exists(folder.resolve(SINGLE))) {
            map(SINGLE);
        } else {
            mapShards(ShardIndex.read(folder.resolve(INDEX), ".safetensors"));
        }
    }

    private void mapShards(ShardIndex index) {
        for (String file : new LinkedHashSet<>(index.shards().values())) map(file);
        for (Map.Entry<String, String> e : index.shards().entrySet()) {
            Mapped mapped = tensors.get(e.getKey());
            if (mapped == null || !mapped.file().equals(e.getValue())) {
                throw new CheckpointException(
                        folder.resolve(INDEX) + " puts tensor " + e.getKey() + " into " + e.getValue() + ", which doesn't have it");
            }
        }
    }

    private void map(String file) {
        Path path = folder.resolve(file);
        MemorySegment mapped = MappedFile.map(path, arena);
        SafetensorsHeader header = SafetensorsHeader.parse(path.toString(), mapped);
        header.entries().forEach((name, entry) -> {
            MemorySegment data = mapped.asSlice(header.dataStart() + entry.begin(), entry.end() - entry.begin());
            Mapped other = tensors.put(name, new Mapped(file, entry, data));
            if (other != null) throw new CheckpointException("tensor " + name + " is in " + path + " and in " + other.file() + " too");
        });
    }

    static boolean isIn(Path folder) {
        return Files.exists(folder.resolve(SINGLE)) || Files.exists(folder.resolve(INDEX));
    }

    @Override
    public String format() {
        return "safetensors";
    }

    @Override
    public SortedSet<String> names() {
        return Collections.unmodifiableSortedSet(tensors.navigableKeySet());
    }

    @Override
    public Shape shape(String name) {
        return find(name).entry().shape();
    }

    @Override
    public Tensor tensor(String name) {
        Mapped mapped = find(name);
        DType dtype = mapped.entry().type().dtype().orElseThrow(() -> new CheckpointException("tensor " + name + " of "
                + folder.resolve(mapped.file()) + " is " + mapped.entry().type() + "; only F32, F16 and BF16 can be computed with"));
        return new Tensor(name, dtype, mapped.entry().shape(), mapped.data());
    }

    private Mapped find(String name) {
        Mapped mapped = tensors.get(name);
        if (mapped == null) throw new CheckpointException(folder + " has no tensor " + name);
        return mapped;
    }

    @Override
    public void close() {
        if (arena.scope().isAlive()) arena.close();
    }
}
