package dev.skald.cli;

import dev.skald.convert.ModelMaker;
import dev.skald.model.ModelShape;
import dev.skald.tensor.DType;
import dev.skald.weights.Checkpoint;
import dev.skald.weights.NewFile;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Path;
import java.util.Locale;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** `skald make-model`: a model of random weights, for measuring and testing. */
@picocli.CommandLine.Command(description = {
    "Write a model of a published shape with random weights and a tokenizer of bytes, for measuring and testing.",
    "Shapes: llama-2-7b, llama-3-8b, llama-3.2-1b, tinyllama-1.1b, smollm2-135m, smollm2-360m, tiny."})
final class MakeModelCommand implements dev.skald.cli.Command {
    @Mixin
    CommonFlags common = new CommonFlags();

    @Option(names = "--shape", paramLabel = "S", description = "Which model's shape.")
    String shape;

    @Option(names = "--format", paramLabel = "F", description = "safetensors, pytorch or gguf (default: safetensors).")
    ModelMaker.Format format = ModelMaker.Format.SAFETENSORS;

    @Option(names = "--type", paramLabel = "T", description = "f32, f16, bf16, or for gguf a quantised type (default: f16).")
    String type = "f16";

    @Option(names = "-o", paramLabel = "DST", description = "The folder, or GGUF file, to write.")
    Path target;

    @Option(names = "--seed", paramLabel = "N", description = "Of the weights (default: 1).")
    long seed = 1;

    @Option(names = "--force", description = "Replace what is there.")
    boolean force;

    private final Stdio stdio;

    MakeModelCommand(Stdio stdio) {
        this.stdio = stdio;
    }

    @Override
    public CommonFlags common() {
        return common;
    }

    @Override
    public int run() {
        if (shape == null) throw CliException.askedWrongly("--shape is missing: expected one of " + ModelShape.known());
        if (target == null) throw CliException.askedWrongly("-o is missing: where is the model to be written?");
        DType wanted = Converters.weightType("--type", type);
        ModelShape known = shape(shape);
        boolean gguf = format == ModelMaker.Format.GGUF;
        if (!gguf && wanted.quantised()) throw CliException.askedWrongly("--format " + format + " holds f32, f16 and bf16; --format gguf holds " + type);
        if (gguf && !target.toString().endsWith(Checkpoint.GGUF)) throw CliException.askedWrongly("-o " + target + " doesn't end with " + Checkpoint.GGUF);
        long begun = System.nanoTime();
        ProgressBar bar = ProgressBar.of(stdio, "writing");
        ModelMaker maker = new ModelMaker(known, wanted, seed, Runtime.getRuntime().availableProcessors(), bar);
        try {
            if (gguf) gguf(maker);
            else maker.folder(format, target, force);
        } catch (FileAlreadyExistsException e) {
            throw CliException.failed(e.getFile() + " is there already; --force replaces it");
        } catch (IOException e) {
            bar.interrupted();
            throw CliException.failed(target + " can't be written: " + e.getMessage());
        }
        stdio.err().printf(Locale.ROOT, "%s: %s, %s, %.1f s%n", target, known.label(), Converters.name(wanted), (System.nanoTime() - begun) * 1e-9);
        return ExitCode.OK;
    }

    private void gguf(ModelMaker maker) throws IOException {
        try (NewFile file = NewFile.create(target, force)) {
            maker.gguf(file);
        }
    }

    /** @throws CliException for an unknown one */
    static ModelShape shape(String label) {
        return ModelShape.of(label).orElseThrow(() -> CliException.askedWrongly("--shape can't be `" + label + "`: expected one of " + ModelShape.known()));
    }
}
