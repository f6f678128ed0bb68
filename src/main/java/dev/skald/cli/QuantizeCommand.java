package dev.skald.cli;

import dev.skald.boot.ModelExport;
import dev.skald.boot.ModelFolder;
import dev.skald.quantize.Quantiser;
import dev.skald.tensor.DType;
import dev.skald.weights.Checkpoint;
import dev.skald.weights.NewFile;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** `skald quantize`: a model as a GGUF file or a packed file, its weights of another type. */
@picocli.CommandLine.Command(description = {
    "Write a model as a GGUF file, its weights rounded to a smaller type; with --packed as a file that the CPU serves at once, weights as its kernels read them.",
    "Every matrix gets the type; the output head gets at least q6_k; a matrix whose rows aren't whole blocks of 256 gets the next type of blocks of 32"
            + " (q2_k, q3_k: iq4_nl; q4_k: q5_0; q5_k: q5_1; q6_k: q8_0), or f16. Norms and biases stay f32."})
final class QuantizeCommand implements dev.skald.cli.Command {
    @Mixin
    CommonFlags common = new CommonFlags();

    @Parameters(index = "0", arity = "0..1", paramLabel = "SRC", description = "A model folder in Hugging Face layout, or a GGUF file.")
    String source;

    @Parameters(index = "1", arity = "0..1", paramLabel = "DST", description = "The GGUF file to write; with --packed, a .skald file.")
    Path target;

    @Option(names = "--type", paramLabel = "T",
            description = "q4_0, q4_1, q5_0, q5_1, q8_0, iq4_nl, q2_k, q3_k, q4_k, q5_k, q6_k, f16, bf16 or f32; with --packed, none keeps each weight's own.")
    String type;

    @Option(names = "--packed", arity = "0..1", fallbackValue = "true", paramLabel = "BOOL",
            description = "Write weights as the CPU's kernels read them: such a file needs no loading, and runs nowhere else.")
    boolean packed;

    @Option(names = "--force", description = "Replace DST if it is there.")
    boolean force;

    @Option(names = {"-t", "--threads"}, paramLabel = "N", description = "Threads (default: one per core of the CPU quota).")
    Integer threads;

    private final Stdio stdio;

    QuantizeCommand(Stdio stdio) {
        this.stdio = stdio;
    }

    @Override
    public CommonFlags common() {
        return common;
    }

    @Override
    public int run() {
        if (source == null || target == null) throw CliException.askedWrongly("expected a model and the file to write: skald quantize SRC DST --type T");
        if (type == null && !packed) throw CliException.askedWrongly("--type is missing: which type are the weights to have?");
        Optional<DType> wanted = Optional.ofNullable(type).map(name -> Converters.weightType("--type", name));
        int workers = threads == null ? Runtime.getRuntime().availableProcessors() : threads;
        if (workers < 1) throw CliException.askedWrongly("--threads " + workers + " is less than 1");
        String ending = packed ? Checkpoint.PACKED : Checkpoint.GGUF;
        if (!target.toString().endsWith(ending)) {
            throw CliException.askedWrongly("DST " + target + " doesn't end with " + ending + (target.toString().endsWith(Checkpoint.PACKED) ? ": --packed may be meant" : ""));
        }
        Path model = ModelFolder.find(Optional.of(source));
        long begun = System.nanoTime();
        ProgressBar bar = ProgressBar.of(stdio, "quantising");
        try (NewFile file = NewFile.create(target, force)) {
            if (packed) {
                ModelExport.toPacked(model, wanted, file, workers, bar);
            } else {
                try (Quantiser quantiser = new Quantiser(workers)) {
                    ModelExport.toGguf(model, wanted.orElseThrow(), file, quantiser, bar);
                }
            }
            double seconds = (System.nanoTime() - begun) * 1e-9;
            String types = wanted.map(Converters::name).orElse("types as in the source");
            stdio.err().printf(Locale.ROOT, "%s: %s, %,d bytes, %.1f s%n", target, types, Files.size(target), seconds);
            return ExitCode.OK;
        } catch (FileAlreadyExistsException e) {
            throw CliException.failed(target + " is there already; --force replaces it");
        } catch (IOException e) {
            bar.interrupted();
            throw CliException.failed(target + " can't be written: " + e.getMessage());
        }
    }
}
