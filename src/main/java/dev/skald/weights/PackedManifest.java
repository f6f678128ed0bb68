package dev.skald.weights;

import dev.skald.tensor.DType;
import dev.skald.tensor.Shape;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;

/**
 * What is in a packed file, and where.
 *
 * @param layout    in which its weights lie, with a version, as the device that reads them names it
 * @param source    the format that it was made from, for people
 * @param type      the type that weights were to have when it was made; empty: as in the source
 * @param modelHash names the source and its weights, for fingerprints
 * @param tensors   the source's tensors by name, in the types that were packed
 * @param documents texts that came along, by name
 * @param weights   by role and the name of their first tensor
 */
record PackedManifest(
        String layout,
        String source,
        Optional<DType> type,
        String modelHash,
        NavigableMap<String, TensorFacts> tensors,
        Map<String, Range> documents,
        Map<String, Weight> weights) {

    PackedManifest {
        tensors = Collections.unmodifiableNavigableMap(new TreeMap<>(tensors));
        documents = Map.copyOf(documents);
        weights = Map.copyOf(weights);
    }

    record TensorFacts(DType dtype, Shape shape) {}

    /** Bytes of the file. */
    record Range(long begin, long bytes) {}

    /** See {@link PackedEntry}. */
    record Weight(DType dtype, int rows, int cols, List<Section> sections) {
        Weight {
            sections = List.copyOf(sections);
        }
    }

    record Section(DType layout, int firstRow, int rows, Range range) {}
}
