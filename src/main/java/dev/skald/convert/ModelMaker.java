package dev.skald.convert;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.skald.model.DecoderSpec;
import dev.skald.model.ModelShape;
import dev.skald.model.WeightPlan;
import dev.skald.model.family.Families;
import dev.skald.quantize.Progress;
import dev.skald.quantize.Quantiser;
import dev.skald.tensor.DType;
import dev.skald.tensor.Tensor;
import dev.skald.text.JsonVocabulary;
import dev.skald.weights.NewFile;
import dev.skald.weights.PyTorchWriter;
import dev.skald.weights.RandomCheckpoint;
import dev.skald.weights.SafetensorsWriter;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** Writes models of random weights, in each format that there is a reader for. The same seed gives the same bytes. */
public final class ModelMaker {
    /** Of one shard, a single larger tensor aside: below what an archive without 64-bit fields holds. */
    private static final long SHARD_BYTES = 3_500_000_000L;
    private static final Map<String, String> SPECIAL = Map.of("bos_token", "<s>", "eos_token", "</s>", "unk_token", "<unk>");

    /** How a folder holds its weights. */
    public enum Format {
        SAFETENSORS("model", ".safetensors"),
        PYTORCH("pytorch_model", ".bin"),
        GGUF("", ".gguf");

        private final String stem;
        private final String ending;

        Format(String stem, String ending) {
            this.stem = stem;
            this.ending = ending;
        }

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    private final ModelShape shape;
    private final DType type;
    private final long seed;
    private final int threads;
    private final Progress progress;

    /** @param type of the weights; quantised ones for GGUF only */
    public ModelMaker(ModelShape shape, DType type, long seed, int threads, Progress progress) {
        this.shape = shape;
        this.type = type;
        this.seed = seed;
        this.threads = threads;
        this.progress = progress;
    }

    /** Writes one GGUF file. @param target the caller closes it */
    public void gguf(NewFile target) throws IOException {
        try (RandomCheckpoint checkpoint = RandomModel.weights(shape, type, seed, threads); Quantiser quantiser = new Quantiser(threads)) {
            GgufExport.Model model = new GgufExport.Model(
                    shape.label(), shape.config(), checkpoint, RandomModel.vocabulary(shape), SPECIAL, Optional.empty());
            new GgufExport(quantiser, progress).write(model, type, target);
        }
    }

    /**
     * Writes a folder, its config.json last: what was cut off is no model.
     *
     * @param folder  made if it isn't there
     * @param replace whether files in it may be replaced
     */
    public void folder(Format format, Path folder, boolean replace) throws IOException {
        if (type.quantised()) throw new ConversionException(format + " holds f32, f16 and bf16, not " + type.name().toLowerCase(Locale.ROOT));
        if (!replace && Files.exists(folder.resolve("config.json"))) throw new java.nio.file.FileAlreadyExistsException(folder.toString());
        Files.createDirectories(folder);
        try (RandomCheckpoint checkpoint = RandomModel.weights(shape, type, seed, threads)) {
            weights(format, checkpoint, folder, replace);
        }
        file(folder, "tokenizer.json", JsonVocabulary.write(RandomModel.vocabulary(shape)), replace);
        file(folder, "tokenizer_config.json", json(Map.of(
                "tokenizer_class", "PreTrainedTokenizerFast", "bos_token", "<s>", "eos_token", "</s>", "unk_token", "<unk>")), replace);
        file(folder, "config.json", shape.json().replaceFirst("\\{", "{\n  \"torch_dtype\": \"" + torchName() + "\",")
                .getBytes(java.nio.charset.StandardCharsets.UTF_8), replace);
    }

    private void weights(Format format, RandomCheckpoint checkpoint, Path folder, boolean replace) throws IOException {
        List<List<WeightPlan.Entry>> shards = shards();
        long total = shards.stream().flatMap(List::stream).mapToLong(this::bytes).sum();
        Map<String, String> index = new LinkedHashMap<>();
        long[] done = {0};
        for (int i = 0; i < shards.size(); i++) {
            String stem = shards.size() == 1 ? format.stem : String.format(Locale.ROOT, "%s-%05d-of-%05d", format.stem, i + 1, shards.size());
            List<String> names = shards.get(i).stream().map(WeightPlan.Entry::name).toList();
            names.forEach(name -> index.put(name, stem + format.ending));
            try (NewFile file = NewFile.create(folder.resolve(stem + format.ending), replace); Arena arena = Arena.ofShared()) {
                java.util.function.Function<String, Tensor> tensors = name -> {
                    progress.at(done[0] + Math.min(file.written(), total - done[0]), total);
                    return inType(checkpoint.tensor(name), arena);
                };
                if (format == Format.PYTORCH) PyTorchWriter.write(stem, names, tensors, file);
                else SafetensorsWriter.write(names, tensors, file);
                file.finish();
            }
            done[0] += shards.get(i).stream().mapToLong(this::bytes).sum();
        }
        progress.at(total, total);
        String indexName = format.stem + format.ending + ".index.json";
        if (shards.size() > 1) file(folder, indexName, json(Map.of("metadata", Map.of("total_size", total), "weight_map", index)), replace);
    }

    /** Norms are of the same type as the rest in such folders. */
    private Tensor inType(Tensor tensor, Arena arena) {
        if (tensor.dtype() == type) return tensor;
        MemorySegment data = arena.allocate(type.bytes(tensor.shape().elements()));
        for (long i = 0; i < tensor.shape().elements(); i++) dev.skald.tensor.Elements.set(type, data, i, 1);
        return new Tensor(tensor.name(), type, tensor.shape(), data);
    }

    private List<List<WeightPlan.Entry>> shards() {
        DecoderSpec spec = Families.spec(shape.config());
        List<List<WeightPlan.Entry>> shards = new ArrayList<>(List.of(new ArrayList<>()));
        long left = SHARD_BYTES;
        for (WeightPlan.Entry entry : WeightPlan.of(spec, type).entries()) {
            if (bytes(entry) > left && !shards.getLast().isEmpty()) {
                shards.add(new ArrayList<>());
                left = SHARD_BYTES;
            }
            shards.getLast().add(entry);
            left -= bytes(entry);
        }
        return shards;
    }

    private long bytes(WeightPlan.Entry entry) {
        return type.bytes(entry.shape().elements());
    }

    private String torchName() {
        return switch (type) {
            case F32 -> "float32";
            case F16 -> "float16";
            case BF16 -> "bfloat16";
            default -> throw new IllegalStateException(type.toString());
        };
    }

    private static void file(Path folder, String name, byte[] content, boolean replace) throws IOException {
        try (NewFile file = NewFile.create(folder.resolve(name), replace)) {
            file.write(content);
            file.finish();
        }
    }

    private static byte[] json(Object value) throws IOException {
        return new ObjectMapper().writerWithDefaultPrettyPrinter().writeValueAsBytes(new java.util.TreeMap<>((Map<?, ?>) value));
    }
}
