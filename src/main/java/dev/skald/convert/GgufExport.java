package dev.skald.convert;

import dev.skald.model.DecoderSpec;
import dev.skald.model.ModelConfig;
import dev.skald.model.WeightPlan;
import dev.skald.model.family.Families;
import dev.skald.quantize.Progress;
import dev.skald.quantize.Quantiser;
import dev.skald.tensor.DType;
import dev.skald.tensor.Shape;
import dev.skald.tensor.Tensor;
import dev.skald.text.ChatTemplateFile;
import dev.skald.text.JsonVocabulary;
import dev.skald.text.Vocabulary;
import dev.skald.weights.Checkpoint;
import dev.skald.weights.GgufCheckpoint;
import dev.skald.weights.GgufWriter;
import dev.skald.weights.NewFile;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;

/**
 * Writes a model as a GGUF file with weights of one type ({@link dev.skald.quantize.WeightTypes} says what that means for each). From a folder
 * everything is translated: names, the order of rows in q and k, configuration, vocabulary, chat template. From a GGUF file everything but the
 * weights is copied.
 */
public final class GgufExport {
    private static final String ROPE_FACTORS = "rope_freqs.weight";
    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final Quantiser quantiser;
    private final Progress progress;

    /** @param quantiser whose threads do the work */
    public GgufExport(Quantiser quantiser, Progress progress) {
        this.quantiser = quantiser;
        this.progress = progress;
    }

    /**
     * @param name    of the model, for people
     * @param special bos_token, eos_token, … by name
     * @param target  the caller closes it
     * @throws ConversionException for what a GGUF file can't hold
     */
    public void fromFolder(Path folder, String name, ModelConfig config, Checkpoint checkpoint, Map<String, String> special, DType type, NewFile target)
            throws IOException {
        write(new Model(name, config, checkpoint, JsonVocabulary.read(folder), special, ChatTemplateFile.text(folder).map(ChatTemplateFile.Text::source)), type, target);
    }

    /**
     * What a file is made of, in Hugging Face's names and order.
     *
     * @param name       of the model, for people
     * @param special    bos_token, eos_token, … by name
     * @param template   chat template
     */
    record Model(String name, ModelConfig config, Checkpoint checkpoint, Vocabulary vocabulary, Map<String, String> special, Optional<String> template) {}

    void write(Model model, DType type, NewFile target) throws IOException {
        DecoderSpec spec = Families.spec(model.config());
        WeightPlan.check(spec, model.checkpoint());
        GgufWriter writer = new GgufWriter(target);
        LlamaKeys.put(writer, model.name(), spec, type);
        VocabularyKeys.put(writer, model.vocabulary(), spec.vocabulary(), model.special(), model.config().endIds(spec.vocabulary()));
        model.template().ifPresent(template -> writer.put("tokenizer.chat_template", template));
        float[] divisors = spec.rope().divisors(spec.headDim());
        if (divisors.length > 0) writer.tensor(ROPE_FACTORS, DType.F32, Shape.of(divisors.length));
        List<WeightPlan.Entry> to = WeightPlan.of(spec.named(Families.ggufNames(spec)), type).entries();
        for (WeightPlan.Entry entry : to) writer.tensor(entry.name(), entry.dtype(), entry.shape());
        writer.begin();
        if (divisors.length > 0) writer.append(MemorySegment.ofArray(bytes(divisors)));
        write(writer, model.checkpoint(), WeightPlan.of(spec, type).entries(), spec.headDim());
    }

    /** @param config of the same file */
    public void fromGguf(GgufCheckpoint checkpoint, ModelConfig config, DType type, NewFile target) throws IOException {
        DecoderSpec spec = Families.spec(config);
        WeightPlan.check(spec, checkpoint);
        GgufWriter writer = new GgufWriter(target);
        writer.putAll(checkpoint.metadata(), key -> !key.equals("general.file_type") && !key.equals("general.quantization_version")
                && !key.equals("general.alignment") && !key.startsWith("split."));
        LlamaKeys.putType(writer, type);
        SequencedMap<String, WeightPlan.Entry> entries = new LinkedHashMap<>();
        for (String name : checkpoint.names()) {
            Tensor tensor = checkpoint.tensor(name);
            entries.put(name, new WeightPlan.Entry(name, tensor.shape(), tensor.dtype(), false));
        }
        // Rows are in GGUF's order already.
        for (WeightPlan.Entry e : WeightPlan.of(spec, type).entries()) entries.put(e.name(), new WeightPlan.Entry(e.name(), e.shape(), e.dtype(), false));
        for (WeightPlan.Entry entry : entries.values()) writer.tensor(entry.name(), entry.dtype(), entry.shape());
        writer.begin();
        write(writer, checkpoint, List.copyOf(entries.values()), spec.headDim());
    }

    private void write(GgufWriter writer, Checkpoint checkpoint, List<WeightPlan.Entry> entries, int headDim) throws IOException {
        long total = writer.tensorBytes();
        long[] done = {0};
        progress.at(0, total);
        try (TensorStream stream = new TensorStream(quantiser, bytes -> {
            writer.append(bytes);
            done[0] += bytes.byteSize();
            progress.at(done[0], total);
        })) {
            for (WeightPlan.Entry entry : entries) {
                stream.convert(checkpoint.tensor(entry.name()), entry.dtype(), entry.queryOrKey() ? headDim : 0);
            }
        }
        writer.finish();
    }

    private static byte[] bytes(float[] values) {
        byte[] bytes = new byte[4 * values.length];
        MemorySegment.copy(values, 0, MemorySegment.ofArray(bytes), FLOAT, 0, values.length);
        return bytes;
    }
}
