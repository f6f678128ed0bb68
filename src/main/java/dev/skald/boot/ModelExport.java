package dev.skald.boot;

import dev.skald.convert.GgufExport;
import dev.skald.quantize.Progress;
import dev.skald.quantize.Quantiser;
import dev.skald.tensor.DType;
import dev.skald.weights.GgufCheckpoint;
import dev.skald.weights.NewFile;
import java.io.IOException;
import java.nio.file.Path;

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
            if (source.checkpoint() instanceof GgufCheckpoint gguf) {
                export.fromGguf(gguf, source.config(), type, target);
            } else {
                String name = String.valueOf(model.toAbsolutePath().normalize().getFileName());
                export.fromFolder(model, name, source.config(), source.checkpoint(), source.specialTokens(), type, target);
            }
        }
    }
}
