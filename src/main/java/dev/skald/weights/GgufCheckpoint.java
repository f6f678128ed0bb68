package dev.skald.weights;

import dev.skald.tensor.DType;
import dev.skald.tensor.Shape;
import dev.skald.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Collections;
import java.util.Locale;
import java.util.NavigableMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A GGUF file, or the parts {@code …-00001-of-0000N.gguf} of one, of which the first is named. Tensors are what the file says: names and order
 * of rows are those of GGUF.
 */
public final class GgufCheckpoint implements Checkpoint {
    private static final int MAX_PARTS = 10_000;
    private static final Pattern PART = Pattern.compile("(.*)-(\\d{5})-of-(\\d{5})\\.gguf");

    private final Arena arena = Arena.ofShared();
    private final Path path;
    private final NavigableMap<String, Mapped> tensors = new TreeMap<>();
    private GgufHeader header;

    private record Mapped(Path file, GgufHeader.Entry entry, MemorySegment data) {}

    private GgufCheckpoint(Path path) {
        this.path = path;
    }

    /** @throws CheckpointException if it is damaged, of an unknown version, or not the first of its parts */
    public static GgufCheckpoint open(Path path) {
        GgufCheckpoint checkpoint = new GgufCheckpoint(path);
        try {
            checkpoint.mapAll();
            return checkpoint;
        } catch (RuntimeException e) {
            checkpoint.close();
            throw e;
        }
    }

    private void mapAll() {
        header = map(path);
        GgufMetadata first = header.metadata();
        long parts = first.integer("split.count").orElse(1);
        if (parts <= 1) return;
        long number = first.integer("split.no").orElse(0);
        Matcher name = PART.matcher(path.getFileName().toString());
        if (!name.matches() || parts > MAX_PARTS || Long.parseLong(name.group(3)) != parts || Long.parseLong(name.group(2)) != number + 1) {
            throw new CheckpointException(path + " says that it is part " + (number + 1) + " of " + parts + ", but is not named like that (…-00001-of-00002.gguf)");
        }
        if (number != 0) throw new CheckpointException(path + " is part " + (number + 1) + " of " + parts + ": name the first");
        for (int part = 2; part <= parts; part++) {
            map(path.resolveSibling(String.format(Locale.ROOT, "%s-%05d-of-%05d.gguf", name.group(1), part, parts)), part, parts);
        }
        long expected = first.integer("split.tensors.count").orElse(tensors.size());
        if (expected != tensors.size()) throw new CheckpointException(path + " and its other parts have " + tensors.size() + " tensors, expected " + expected);
    }

    private void map(Path file, int part, long parts) {
        GgufMetadata metadata = map(file).metadata();
        if (metadata.integer("split.no").orElse(-1) != part - 1 || metadata.integer("split.count").orElse(-1) != parts) {
            throw new CheckpointException(file + " does not say that it is part " + part + " of " + parts);
        }
    }

    private GgufHeader map(Path file) {
        MemorySegment mapped = MappedFile.map(file, arena);
        GgufHeader read = GgufHeader.parse(file.toString(), mapped);
        read.entries().forEach((name, entry) -> {
            Mapped other = tensors.put(name, new Mapped(file, entry, mapped.asSlice(entry.begin(), entry.bytes())));
            if (other != null) throw new CheckpointException("tensor " + Printable.of(name) + " is in " + file + " and in " + other.file() + " too");
        });
        return read;
    }

    /** Of the first part. */
    public GgufMetadata metadata() {
        return header.metadata();
    }

    @Override
    public String format() {
        return "GGUF v" + header.version();
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
        GgufType type = mapped.entry().type();
        DType dtype = type.dtype().orElseThrow(() -> new CheckpointException("tensor " + Printable.of(name) + " of " + mapped.file() + " is " + type
                + ", a type that can't be computed with"));
        return new Tensor(name, dtype, mapped.entry().shape(), mapped.data());
    }

    private Mapped find(String name) {
        Mapped mapped = tensors.get(name);
        if (mapped == null) throw new CheckpointException(path + " has no tensor " + Printable.of(name));
        return mapped;
    }

    @Override
    public void close() {
        if (arena.scope().isAlive()) arena.close();
    }
}
