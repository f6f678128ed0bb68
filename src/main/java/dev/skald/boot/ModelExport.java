package dev.skald.boot;

import dev.skald.compute.cpu.CpuPacker;
import dev.skald.convert.ConversionException;
import dev.skald.convert.GgufExport;
import dev.skald.model.DecoderSpec;
import dev.skald.model.LoadOptions;
import dev.skald.model.ModelConfig;
import dev.skald.model.PackedModel;
import dev.skald.model.family.Families;
import dev.skald.quantize.Progress;
import dev.skald.quantize.Quantiser;
import dev.skald.tensor.DType;
import dev.skald.weights.GgufCheckpoint;
import dev.skald.weights.NewFile;
import dev.skald.weights.PackedCheckpoint;
import dev.skald.weights.PackedWriter;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/** Writes a model that {@link ModelFolder} found as a file of another format or type. */
public final class ModelExport {
    private ModelExport() {}

    /**
     * @param model a folder or a GGUF file
     * @param type  of the weights
     * @throws dev.skald.convert.ConversionException and the exceptions of a model that can't be read
     */
    public static void toGguf(Path model, DType type, NewFile target, Quantiser quantiser, Progress progress) throws IOException {
        GgufExport export = new GgufExport(quantiser, progress);
        try (ModelSource source = ModelSource.open(model)) {
            refusePacked(source);
            if (source.checkpoint() instanceof GgufCheckpoint gguf) {
                export.fromGguf(gguf, source.config(), type, target);
            } else {
                String name = String.valueOf(model.toAbsolutePath().normalize().getFileName());
                export.fromFolder(model, name, source.config(), source.checkpoint(), source.specialTokens(), type, target);
            }
        }
    }

    /**
     * Writes a packed file for the CPU: weights as its kernels read them, and all else that serves the model.
     *
     * @param model   a folder or a GGUF file
     * @param type    of the weights, as they would be loaded with it; empty: as in the source
     * @param threads that work
     * @throws dev.skald.model.ModelException and the other exceptions of a model that can't be read
     */
    public static void toPacked(Path model, Optional<DType> type, NewFile target, int threads, Progress progress) throws IOException {
        try (ModelSource source = ModelSource.open(model); CpuPacker packer = new CpuPacker(threads)) {
            refusePacked(source);
            ModelConfig config = source.config();
            DecoderSpec spec = Families.spec(config);
            PackedWriter writer = new PackedWriter(target);
            PackedSource.write(source, writer);
            PackedModel.write(spec, source.checkpoint(), new LoadOptions(type, spec.maxPositions(), progress), packer, writer);
        }
    }

    private static void refusePacked(ModelSource source) {
        if (source.checkpoint() instanceof PackedCheckpoint packed) {
            throw new ConversionException(packed.file() + " is packed and can only be run: convert the model that it was made from");
        }
    }
}
