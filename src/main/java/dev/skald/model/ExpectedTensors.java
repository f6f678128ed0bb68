package dev.skald.model;

import dev.skald.tensor.Shape;
import dev.skald.weights.Checkpoint;
import dev.skald.weights.PackedCheckpoint;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.SequencedSet;
import java.util.regex.Pattern;

/** The tensors that a spec needs, by name, with their shapes; in the order in which a forward pass meets them. */
final class ExpectedTensors {
    /** More names than this in a message help nobody. */
    private static final int NAMED = 5;
    /** Buffers that old versions of frameworks saved along, computed, not trained; GGUF's rope factors are read with the configuration. */
    private static final Pattern HARMLESS =
            Pattern.compile(".*(rotary_emb\\.(inv_freq|cos_cached|sin_cached)|\\.attn\\.(masked_)?bias)|" + GgufConfig.ROPE_FACTORS);

    private final DecoderSpec spec;
    private final LinkedHashMap<String, Shape> shapes = new LinkedHashMap<>();

    private ExpectedTensors(DecoderSpec spec) {
        this.spec = spec;
    }

    static ExpectedTensors of(DecoderSpec spec) {
        ExpectedTensors expected = new ExpectedTensors(spec);
        TensorNames names = spec.names();
        expected.matrix(names.embedding(), spec.vocabulary(), spec.hidden(), false);
        for (int i = 0; i < spec.layers(); i++) expected.layer(i, names.layer());
        expected.norm(names.finalNorm());
        if (!spec.tiedHead()) expected.matrix(names.head(), spec.vocabulary(), spec.hidden(), false);
        return expected;
    }

    SequencedSet<String> names() {
        return shapes.sequencedKeySet();
    }

    SequencedMap<String, Shape> shapes() {
        return Collections.unmodifiableSequencedMap(shapes);
    }

    /** @throws ModelException naming what is missing, wrongly shaped or not expected */
    void check(Checkpoint checkpoint) {
        List<String> missing = new ArrayList<>();
        List<String> wrong = new ArrayList<>();
        for (Map.Entry<String, Shape> e : shapes.entrySet()) {
            if (!checkpoint.names().contains(e.getKey())) {
                missing.add(e.getKey() + " " + e.getValue());
            } else if (!checkpoint.shape(e.getKey()).equals(e.getValue())) {
                wrong.add(e.getKey() + " is " + checkpoint.shape(e.getKey()) + ", expected " + e.getValue());
            }
        }
        List<String> extra = checkpoint.names().stream().filter(name -> !shapes.containsKey(name) && !harmless(name)).toList();
        String file = checkpoint instanceof PackedCheckpoint packed ? packed.file() + ": " : "";
        refuse(file, "tensors are missing", missing);
        refuse(file, "tensors have a wrong shape", wrong);
        refuse(file, "tensors don't belong to it", extra);
    }

    private void refuse(String file, String what, List<String> names) {
        if (names.isEmpty()) return;
        String more = names.size() > NAMED ? " and " + (names.size() - NAMED) + " more" : "";
        throw new ModelException(file + "this is not the " + spec.family() + " model that its configuration describes: " + what + ": "
                + String.join("; ", names.subList(0, Math.min(NAMED, names.size()))) + more);
    }

    /** A tied head may have been saved as well; the configuration decides that the embedding is used. */
    private boolean harmless(String name) {
        return HARMLESS.matcher(name).matches()
                || spec.tiedHead() && name.equals(DecoderWeights.weight(spec.names().head()));
    }

    private void layer(int i, TensorNames.Layer layer) {
        TensorNames names = spec.names();
        norm(names.inLayer(i, layer.inputNorm()));
        matrix(names.inLayer(i, layer.query()), spec.queryCols(), spec.hidden(), spec.qkvBias());
        matrix(names.inLayer(i, layer.key()), spec.kvCols(), spec.hidden(), spec.qkvBias());
        matrix(names.inLayer(i, layer.value()), spec.kvCols(), spec.hidden(), spec.qkvBias());
        matrix(names.inLayer(i, layer.output()), spec.hidden(), spec.queryCols(), spec.outputBias());
        norm(names.inLayer(i, layer.postAttentionNorm()));
        matrix(names.inLayer(i, layer.gate()), spec.intermediate(), spec.hidden(), spec.mlpBias());
        matrix(names.inLayer(i, layer.up()), spec.intermediate(), spec.hidden(), spec.mlpBias());
        matrix(names.inLayer(i, layer.down()), spec.hidden(), spec.intermediate(), spec.mlpBias());
    }

    private void norm(String module) {
        shapes.put(DecoderWeights.weight(module), Shape.of(spec.hidden()));
    }

    private void matrix(String module, int out, int in, boolean bias) {
        shapes.put(DecoderWeights.weight(module), Shape.of(out, in));
        if (bias) shapes.put(DecoderWeights.bias(module), Shape.of(out));
    }
}
