package dev.skald.weights;

import dev.skald.tensor.DType;
import dev.skald.tensor.Shape;
import dev.skald.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.SortedSet;

/**
 * A packed file: a model's weights as a device's kernels read them, mapped and used in place, with all else that serves it. It knows the source's
 * tensors by name, type and shape, but hasn't their bytes: {@link #tensor} refuses, {@link #entry} gives what a device adopts.
 */
public final class PackedCheckpoint implements Checkpoint {
    private final Arena arena = Arena.ofShared();
    private final String file;
    private MemorySegment mapped = MemorySegment.NULL;
    private PackedManifest manifest;

    private PackedCheckpoint(String file) {
        this.file = file;
    }

    /** @throws CheckpointException if it is damaged, or of another version */
    public static PackedCheckpoint open(Path path) {
        PackedCheckpoint checkpoint = new PackedCheckpoint(path.toString());
        try {
            checkpoint.read(MappedFile.map(path, checkpoint.arena));
            return checkpoint;
        } catch (RuntimeException e) {
            checkpoint.close();
            throw e;
        }
    }

    /** Of a file that is in memory. */
    static PackedCheckpoint of(String file, MemorySegment content) {
        PackedCheckpoint checkpoint = new PackedCheckpoint(file);
        checkpoint.read(content);
        return checkpoint;
    }

    private void read(MemorySegment content) {
        mapped = content;
        PackedHeader header = PackedHeader.parse(file, content);
        byte[] json = content.asSlice(header.manifestBegin(), header.manifestBytes()).toArray(ValueLayout.JAVA_BYTE);
        manifest = PackedJson.read(file, json, header.manifestBegin());
    }

    /** For messages. */
    public String file() {
        return file;
    }

    /** In which its weights lie: a device that names another one can't read them. */
    public String layout() {
        return manifest.layout();
    }

    /** The type that weights were to have when it was made; empty: as in the source. */
    public Optional<DType> type() {
        return manifest.type();
    }

    /** Of the source, as {@link PackedWriter} was told. */
    public String modelHash() {
        return manifest.modelHash();
    }

    /** A text that came along; empty if there is none of this name. */
    public Optional<byte[]> document(String name) {
        return Optional.ofNullable(manifest.documents().get(name)).map(range -> slice(range).toArray(ValueLayout.JAVA_BYTE));
    }

    /** A weight by its role and first tensor, its bytes mapped until {@link #close}. @throws CheckpointException if there is none */
    public PackedEntry entry(String role, String firstTensor) {
        PackedManifest.Weight weight = manifest.weights().get(PackedWriter.key(role, firstTensor));
        if (weight == null) throw new CheckpointException(file + " has no packed weight " + Printable.of(PackedWriter.key(role, firstTensor)));
        List<PackedEntry.Section> sections = weight.sections().stream()
                .map(s -> new PackedEntry.Section(s.layout(), s.firstRow(), s.rows(), slice(s.range())))
                .toList();
        return new PackedEntry(weight.dtype(), weight.rows(), weight.cols(), sections);
    }

    private MemorySegment slice(PackedManifest.Range range) {
        return mapped.asSlice(range.begin(), range.bytes());
    }

    @Override
    public String format() {
        return "packed v" + PackedHeader.VERSION + " (" + layout() + "), of " + manifest.source();
    }

    @Override
    public SortedSet<String> names() {
        return manifest.tensors().navigableKeySet();
    }

    @Override
    public Shape shape(String name) {
        return find(name).shape();
    }

    @Override
    public DType dtype(String name) {
        return find(name).dtype();
    }

    @Override
    public Tensor tensor(String name) {
        throw new CheckpointException(file + " is packed: it holds no tensors, and can only be run; use the model that it was made from");
    }

    private PackedManifest.TensorFacts find(String name) {
        PackedManifest.TensorFacts facts = manifest.tensors().get(name);
        if (facts == null) throw new CheckpointException(file + " has no tensor " + Printable.of(name));
        return facts;
    }

    @Override
    public void close() {
        if (arena.scope().isAlive()) arena.close();
    }
}
