package dev.skald.weights;

import dev.skald.tensor.DType;
import dev.skald.tensor.Shape;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** Writes a packed file, its weights in any order. One thread. @see PackedHeader */
public final class PackedWriter {
    private final NewFile file;
    private final TreeMap<String, PackedManifest.TensorFacts> tensors = new TreeMap<>();
    private final Map<String, PackedManifest.Range> documents = new TreeMap<>();
    private final Map<String, PackedManifest.Weight> weights = new TreeMap<>();

    /** @param file empty so far; the caller closes it */
    public PackedWriter(NewFile file) throws IOException {
        this.file = file;
        file.write(new byte[PackedHeader.BYTES]);
    }

    static String key(String role, String firstTensor) {
        return role + " " + firstTensor;
    }

    public void document(String name, byte[] content) throws IOException {
        unique(documents.put(name, put(MemorySegment.ofArray(content))), name);
    }

    /** Says what the source has; its bytes aren't kept. @param dtype that was packed */
    public void tensor(String name, DType dtype, Shape shape) {
        unique(tensors.put(name, new PackedManifest.TensorFacts(dtype, shape)), name);
    }

    /** @param role and the name of its first tensor are what it is found by */
    public void weight(String role, String firstTensor, PackedEntry entry) throws IOException {
        List<PackedManifest.Section> sections = new ArrayList<>();
        for (PackedEntry.Section s : entry.sections()) sections.add(new PackedManifest.Section(s.layout(), s.firstRow(), s.rows(), put(s.data())));
        String key = key(role, firstTensor);
        unique(weights.put(key, new PackedManifest.Weight(entry.dtype(), entry.rows(), entry.cols(), sections)), key);
    }

    /**
     * Writes the manifest and gives the file its name.
     *
     * @param layout    of the weights
     * @param source    the source's format, for people
     * @param type      that weights were to have; empty: as in the source
     * @param modelHash of the source
     */
    public void finish(String layout, String source, Optional<DType> type, String modelHash) throws IOException {
        byte[] manifest = PackedJson.write(new PackedManifest(layout, source, type, modelHash, tensors, documents, weights));
        file.pad(PackedHeader.ALIGNMENT);
        PackedHeader header = new PackedHeader(file.written(), manifest.length);
        file.write(manifest);
        file.patch(0, header.bytes());
        file.finish();
    }

    private PackedManifest.Range put(MemorySegment content) throws IOException {
        file.pad(PackedHeader.ALIGNMENT);
        long begin = file.written();
        file.write(content);
        return new PackedManifest.Range(begin, content.byteSize());
    }

    private static void unique(Object before, String name) {
        if (before != null) throw new IllegalArgumentException(name + " is there already");
    }
}
