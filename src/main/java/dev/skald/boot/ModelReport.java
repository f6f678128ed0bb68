package dev.skald.boot;

import dev.skald.model.Decoder;
import dev.skald.model.DecoderSpec;
import dev.skald.model.LoadOptions;
import dev.skald.model.ModelConfig;
import dev.skald.model.ModelException;
import dev.skald.model.family.Families;
import dev.skald.tensor.DType;
import dev.skald.weights.Checkpoint;
import dev.skald.weights.CheckpointException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;

/** What a model folder holds, read without loading it. */
public final class ModelReport {
    private ModelReport() {}

    /** Fields in the order in which they are shown; "servable" is true or says why not. */
    public static Map<String, Object> of(Path folder) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("model", folder.toString());
        try {
            describe(folder, fields);
            fields.put("servable", true);
        } catch (ModelException | CheckpointException e) {
            fields.put("servable", e.getMessage());
        }
        return fields;
    }

    private static void describe(Path folder, Map<String, Object> fields) {
        DecoderSpec spec = Families.spec(ModelConfig.read(folder));
        fields.put("family", spec.family());
        fields.put("parameters", spec.parameters());
        fields.put("context", spec.maxPositions());
        fields.put("kv_bytes_per_token", Decoder.kvGroups(spec, DType.F16).getFirst().bytesPerToken());
        fields.put("chat_template", Files.exists(folder.resolve("chat_template.jinja")) || namesTemplate(folder));
        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            TreeSet<String> types = new TreeSet<>();
            long bytes = 0;
            for (String name : checkpoint.names()) {
                types.add(checkpoint.tensor(name).dtype().name().toLowerCase(java.util.Locale.ROOT));
                bytes += checkpoint.tensor(name).data().byteSize();
            }
            fields.put("dtype", String.join(", ", types));
            fields.put("bytes", bytes);
            Decoder.weightBytes(spec, checkpoint, new LoadOptions(Optional.empty(), spec.maxPositions()));
        }
    }

    private static boolean namesTemplate(Path folder) {
        Path config = folder.resolve("tokenizer_config.json");
        return Files.exists(config) && dev.skald.model.ConfigObject.read(config).holds("chat_template");
    }
}
