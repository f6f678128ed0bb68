package dev.skald.boot;

import dev.skald.model.Decoder;
import dev.skald.model.DecoderSpec;
import dev.skald.model.LoadOptions;
import dev.skald.model.ModelConfig;
import dev.skald.model.ModelException;
import dev.skald.model.family.Families;
import dev.skald.tensor.DType;
import dev.skald.tensor.Tensor;
import dev.skald.text.ChatTemplateException;
import dev.skald.text.ChatTemplateFile;
import dev.skald.text.Tokenizer;
import dev.skald.text.TokenizerException;
import dev.skald.weights.Checkpoint;
import dev.skald.weights.CheckpointException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;

/** What a model folder holds, read without loading it. */
public final class ModelReport {
    private ModelReport() {}

    /** Fields in the order in which they are shown; "servable" is true or says why not. What can't be told is left out. */
    public static Map<String, Object> of(Path folder) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("model", folder.toString());
        try {
            ModelConfig config = ModelConfig.read(folder);
            config.modelType().ifPresent(type -> fields.put("family", type));
            describe(folder, Families.spec(config), fields);
            fields.put("servable", true);
        } catch (ModelException | CheckpointException | TokenizerException | ChatTemplateException e) {
            fields.put("servable", e.getMessage());
        }
        return fields;
    }

    private static void describe(Path folder, DecoderSpec spec, Map<String, Object> fields) {
        fields.put("family", spec.family());
        fields.put("parameters", spec.parameters());
        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            SortedSet<String> types = new TreeSet<>();
            long bytes = 0;
            for (String name : checkpoint.names()) {
                Tensor tensor = checkpoint.tensor(name);
                types.add(tensor.dtype().name().toLowerCase(Locale.ROOT));
                bytes += tensor.data().byteSize();
            }
            fields.put("dtype", String.join(", ", types));
            fields.put("bytes", bytes);
            fields.put("context", spec.maxPositions());
            fields.put("kv_bytes_per_token", Decoder.kvGroups(spec, DType.F16).getFirst().bytesPerToken());
            // Looks at every tensor's name and shape.
            Decoder.weightBytes(spec, checkpoint, new LoadOptions(Optional.empty(), spec.maxPositions()));
        }
        fields.put("chat_template", ChatTemplateFile.load(folder).isPresent());
        Tokenizer.load(folder);
    }
}
