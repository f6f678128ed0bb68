package dev.skald.cli;

import dev.skald.boot.EngineOptions;
import dev.skald.tensor.DType;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import picocli.CommandLine.Option;

/** How a model is run in this process. */
final class EngineFlags {
    @Option(names = "--device", paramLabel = "D", description = "auto, cpu or cuda (default: auto).")
    EngineOptions.DeviceKind device = EngineOptions.DeviceKind.AUTO;

    @Option(names = "--kernels", paramLabel = "K", description = "auto, native or java: which kernels on a CPU (default: auto).")
    EngineOptions.KernelKind kernels = EngineOptions.KernelKind.AUTO;

    @Option(names = "--isa", paramLabel = "I", description = "Instruction set of native kernels (default: the best that this machine has).")
    String isa;

    @Option(names = "--batch-invariant", arity = "0..1", fallbackValue = "true", paramLabel = "BOOL",
            description = "On a GPU: the same bits for a request whatever else runs (on a CPU they are anyway).")
    boolean batchInvariant;

    @Option(names = "--enforce-eager", arity = "0..1", fallbackValue = "true", paramLabel = "BOOL",
            description = "On a GPU: launch each kernel of each step by itself, without CUDA graphs; the tokens are the same.")
    boolean enforceEager;

    @Option(names = {"-t", "--threads"}, paramLabel = "N", description = "Compute threads (default: one per core of the CPU quota).")
    Integer threads;

    @Option(names = "--dtype", paramLabel = "T",
            description = "auto, f32, f16 or bf16: type of unquantised weights (default: auto, as in the file); f32 widens quantised ones too, so that"
                    + " activations aren't rounded to 8 bits.")
    String dtype = "auto";

    @Option(names = "--quantize", paramLabel = "T",
            description = "Round the weights to a smaller type while they are loaded, as `skald quantize` would: q4_0, q8_0, q4_k, … .")
    String quantize;

    @Option(names = "--max-model-len", paramLabel = "N", description = "Tokens of the longest sequence (default: what the model was made for).")
    Integer maxModelLen;

    @Option(
            names = "--kv-cache-memory-bytes",
            paramLabel = "N",
            converter = Converters.Bytes.class,
            description = "Memory for the KV cache, such as 512MiB (default: room for all sequences, at most half of what is free).")
    Long kvCacheMemoryBytes;

    @Option(names = "--kv-cache-dtype", paramLabel = "T", description = "f16, bf16, f32 or q8_0: type of the KV cache (default: f16).")
    String kvCacheDtype = "f16";

    @Option(names = "--max-num-seqs", paramLabel = "N", description = "Sequences that run at once (default: 64; generate and chat: what they need).")
    Integer maxNumSeqs;

    @Option(names = "--max-num-batched-tokens", paramLabel = "N", description = "Tokens of one step (default: 512, or as many as sequences).")
    Integer maxNumBatchedTokens;

    @Option(names = "--queue-size", paramLabel = "N", description = "Requests that may wait (default: 1024).")
    int queueSize = EngineOptions.Limits.DEFAULT.queueSize();

    @Option(names = "--chat-template", paramLabel = "FILE", description = "A chat template instead of the model's own.")
    Path chatTemplate;

    @Option(
            names = "--stall-timeout",
            paramLabel = "S",
            converter = Converters.Seconds.class,
            description = "Seconds without a finished step, with work waiting, until the engine counts as stuck (default: 30).")
    Duration stallTimeout = EngineOptions.Limits.DEFAULT.stallTimeout();

    @Option(
            names = "--slow-reader-timeout",
            paramLabel = "S",
            converter = Converters.Seconds.class,
            description = "Seconds until a client that doesn't read its stream loses it (default: 30; never where the reader is this terminal).")
    Duration slowReaderTimeout;

    private static final Duration NEVER = Duration.ofDays(365);

    /** Names that only mean something where the model runs in this process. */
    static final List<String> NAMES = List.of(
            "--device", "--kernels", "--isa", "--batch-invariant", "--enforce-eager", "--threads", "--dtype", "--quantize", "--max-model-len",
            "--kv-cache-memory-bytes", "--kv-cache-dtype",
            "--max-num-seqs", "--max-num-batched-tokens", "--queue-size", "--chat-template", "--stall-timeout", "--slow-reader-timeout");

    /** As a daemon runs it. @throws CliException for a value outside its range */
    EngineOptions options(Path model, Optional<String> servedName) {
        EngineOptions.Limits d = EngineOptions.Limits.DEFAULT;
        return options(model, servedName, d.maxNumSeqs(), d.slowReaderTimeout());
    }

    /** As one person runs it: room for the answers asked for, and all the time to read them. @throws CliException as above */
    EngineOptions personalOptions(Path model, int choices) {
        return options(model, Optional.empty(), Math.max(1, choices), NEVER);
    }

    private EngineOptions options(Path model, Optional<String> servedName, int defaultSeqs, Duration defaultSlowReader) {
        int seqs = maxNumSeqs == null ? defaultSeqs : maxNumSeqs;
        Optional<DType> weights = weightType();
        int batched = Math.max(EngineOptions.Limits.DEFAULT.maxNumBatchedTokens(), seqs);
        try {
            return new EngineOptions(
                    model,
                    servedName,
                    Optional.ofNullable(chatTemplate),
                    new EngineOptions.Compute(device, kernels, optional(threads), weights, Optional.ofNullable(isa), batchInvariant, enforceEager),
                    new EngineOptions.Cache(
                            optional(maxModelLen),
                            kvCacheMemoryBytes == null ? OptionalLong.empty() : OptionalLong.of(kvCacheMemoryBytes),
                            Converters.cacheType("--kv-cache-dtype", kvCacheDtype)),
                    new EngineOptions.Limits(
                            seqs,
                            maxNumBatchedTokens == null ? batched : maxNumBatchedTokens,
                            queueSize,
                            stallTimeout,
                            slowReaderTimeout == null ? defaultSlowReader : slowReaderTimeout));
        } catch (IllegalArgumentException e) {
            throw CliException.askedWrongly(e.getMessage());
        }
    }

    private Optional<DType> weightType() {
        boolean auto = dtype.equalsIgnoreCase("auto");
        if (quantize == null) return auto ? Optional.empty() : Optional.of(Converters.dtype("--dtype", dtype));
        if (!auto) throw CliException.askedWrongly("--dtype is the type of weights that aren't quantised; it has no meaning with --quantize");
        DType type = Converters.weightType("--quantize", quantize);
        if (!type.quantised()) throw CliException.askedWrongly("--quantize " + quantize + " is no quantised type; --dtype " + quantize + " may be meant");
        return Optional.of(type);
    }

    private static OptionalInt optional(Integer value) {
        return value == null ? OptionalInt.empty() : OptionalInt.of(value);
    }
}
