package dev.skald.boot;

import dev.skald.model.Decoder;
import dev.skald.model.DecoderSpec;
import dev.skald.model.LoadOptions;
import dev.skald.model.ModelConfig;
import dev.skald.model.ModelException;
import dev.skald.model.family.Families;
import dev.skald.tensor.DType;
import dev.skald.text.ChatTemplateException;
import dev.skald.text.TokenizerException;
import dev.skald.weights.Checkpoint;
import dev.skald.weights.CheckpointException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** What a model's files hold, read without loading them. */
public final class ModelReport {
    private ModelReport() {}

    /** Fields in the order in which they are shown; "servable" is true or says why not. What can't be told is left out. */
    public static Map<String, Object> of(Path model) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("model", model.toString());
        try (ModelSource source = ModelSource.open(model)) {
            ModelConfig config = source.config();
            config.modelType().ifPresent(type -> fields.put("family", type));
            describe(source, Families.spec(config), fields);
            fields.put("servable", true);
        } catch (ModelException | CheckpointException | TokenizerException | ChatTemplateException e) {
            fields.put("servable", e.getMessage());
        }
        return fields;
    }

    private static void describe(ModelSource source, DecoderSpec spec, Map<String, Object> fields) {
        fields.put("family", spec.family());
        fields.put("parameters", spec.parameters());
        Checkpoint checkpoint = source.checkpoint();
        fields.put("format", checkpoint.format());
        SortedMap<DType, Long> bytes = bytes(checkpoint);
        fields.put("dtype", bytes.keySet().stream().map(type -> type.name().toLowerCase(Locale.ROOT)).sorted().collect(Collectors.joining(", ")));
        fields.put("bytes", bytes.values().stream().mapToLong(Long::longValue).sum());
        fields.put("context", spec.maxPositions());
        fields.put("kv_bytes_per_token", Decoder.kvGroups(spec, DType.F16).getFirst().bytesPerToken());
        // Looks at every tensor's name and shape.
        Decoder.weightBytes(spec, checkpoint, new LoadOptions(Optional.empty(), spec.maxPositions()));
        fields.put("chat_template", source.chatTemplate().isPresent());
        source.tokenizer();
    }

    /** The element type that takes most of the file. */
    static DType mostBytes(Checkpoint checkpoint) {
        return bytes(checkpoint).entrySet().stream().max(Map.Entry.comparingByValue()).map(Map.Entry::getKey).orElse(DType.F32);
    }

    private static SortedMap<DType, Long> bytes(Checkpoint checkpoint) {
        SortedMap<DType, Long> bytes = new TreeMap<>();
        for (String name : checkpoint.names()) {
            DType type = checkpoint.dtype(name);
            bytes.merge(type, type.bytes(checkpoint.shape(name).elements()), Long::sum);
        }
        return bytes;
    }
}
