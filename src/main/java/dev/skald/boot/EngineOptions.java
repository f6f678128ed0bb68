package dev.skald.boot;

import dev.skald.tensor.DType;
import dev.skald.weights.Checkpoint;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * How a model is to be run. Messages of the constructors name flags, since people set them.
 *
 * @param model        a model folder, GGUF file or packed file
 * @param servedName   as requests call it; empty: the folder's name, or the file's without its ending
 * @param chatTemplate a template file instead of the model's own
 * @param compute      what runs it
 * @param cache        how long sequences may be, and the memory for them
 * @param limits       how much runs and waits at once
 */
public record EngineOptions(
        Path model, Optional<String> servedName, Optional<Path> chatTemplate, Compute compute, Cache cache, Limits limits) {

    public static final int MAX_NAME_CHARS = 256;

    public EngineOptions {
        servedName.ifPresent(name -> {
            if (name.isBlank() || name.length() > MAX_NAME_CHARS) {
                throw new IllegalArgumentException("--served-model-name must have 1 to " + MAX_NAME_CHARS + " characters");
            }
        });
    }

    /** All defaults. */
    public static EngineOptions of(Path model) {
        return new EngineOptions(model, Optional.empty(), Optional.empty(), Compute.DEFAULT, Cache.DEFAULT, Limits.DEFAULT);
    }

    /** The same for weights that are to have another type. */
    EngineOptions withWeights(Optional<DType> dtype) {
        Compute c = compute;
        return new EngineOptions(
                model, servedName, chatTemplate, new Compute(c.device, c.kernels, c.threads, dtype, c.isa, c.batchInvariant, c.enforceEager), cache, limits);
    }

    /** What requests call the model. */
    public String name() {
        return servedName.orElseGet(() -> {
            Path last = model.toAbsolutePath().normalize().getFileName();
            if (last == null) return "model";
            String name = last.toString();
            if (Checkpoint.isGguf(model)) return name.substring(0, name.length() - Checkpoint.GGUF.length());
            return Checkpoint.isPacked(model) ? name.substring(0, name.length() - Checkpoint.PACKED.length()) : name;
        });
    }

    /** Which processor. */
    public enum DeviceKind {
        AUTO,
        CPU,
        CUDA,
        /** Slow and obviously right; to compare with. */
        REFERENCE;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** Which kernels on a CPU. */
    public enum KernelKind {
        AUTO,
        NATIVE,
        JAVA;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /**
     * @param device  processor
     * @param kernels on a CPU
     * @param threads compute threads; empty: as many as the CPU quota has cores
     * @param dtype   of unquantised weights; F32: of all; a quantised type: what all weights are quantised to; empty: as in the file
     * @param isa     instruction set of native kernels; empty: the best that the machine has
     * @param batchInvariant on a GPU: results depend on nothing else in a step; on a CPU that is so anyway
     * @param enforceEager   on a GPU: every operation of every step is launched by itself, none played back from a CUDA graph
     */
    public record Compute(
            DeviceKind device, KernelKind kernels, OptionalInt threads, Optional<DType> dtype, Optional<String> isa, boolean batchInvariant,
            boolean enforceEager) {
        public static final Compute DEFAULT =
                new Compute(DeviceKind.AUTO, KernelKind.AUTO, OptionalInt.empty(), Optional.empty(), Optional.empty(), false);
        public static final int MAX_THREADS = 1024;

        public Compute {
            threads.ifPresent(t -> atLeast("--threads", t, 1, MAX_THREADS));
        }

        /** With CUDA graphs, on a GPU. */
        public Compute(
                DeviceKind device, KernelKind kernels, OptionalInt threads, Optional<DType> dtype, Optional<String> isa, boolean batchInvariant) {
            this(device, kernels, threads, dtype, isa, batchInvariant, false);
        }
    }

    /**
     * @param maxModelLen        tokens of the longest sequence; empty: what the model was made for
     * @param kvCacheMemoryBytes empty: room for all sequences at full length, at most half of what is free
     * @param kvCacheDtype       element type of the KV cache: F16, BF16, F32 or Q8_0
     */
    public record Cache(OptionalInt maxModelLen, OptionalLong kvCacheMemoryBytes, DType kvCacheDtype) {
        public static final Cache DEFAULT = new Cache(OptionalInt.empty(), OptionalLong.empty(), DType.F16);

        public Cache {
            maxModelLen.ifPresent(n -> atLeast("--max-model-len", n, 2, Integer.MAX_VALUE));
            kvCacheMemoryBytes.ifPresent(n -> atLeast("--kv-cache-memory-bytes", n, 1, Long.MAX_VALUE));
        }
    }

    /**
     * @param maxNumSeqs          sequences that run at once
     * @param maxNumBatchedTokens tokens of one step
     * @param queueSize           requests that wait
     * @param stallTimeout        without a finished step for so long, with work waiting, the engine counts as stuck
     * @param slowReaderTimeout   a client that doesn't read for so long loses its request
     */
    public record Limits(int maxNumSeqs, int maxNumBatchedTokens, int queueSize, Duration stallTimeout, Duration slowReaderTimeout) {
        public static final Limits DEFAULT = new Limits(64, 512, 1024, Duration.ofSeconds(30), Duration.ofSeconds(30));
        public static final int MAX_SEQS = 4096;
        public static final int MAX_BATCHED_TOKENS = 1 << 20;
        public static final int MAX_QUEUE = 1 << 20;

        public Limits {
            atLeast("--max-num-seqs", maxNumSeqs, 1, MAX_SEQS);
            atLeast("--max-num-batched-tokens", maxNumBatchedTokens, 1, MAX_BATCHED_TOKENS);
            atLeast("--queue-size", queueSize, 1, MAX_QUEUE);
            positive("--stall-timeout", stallTimeout);
            positive("--slow-reader-timeout", slowReaderTimeout);
            if (maxNumBatchedTokens < maxNumSeqs) {
                throw new IllegalArgumentException("--max-num-batched-tokens " + maxNumBatchedTokens + " is less than --max-num-seqs " + maxNumSeqs
                        + ": each running sequence needs a token in every step");
            }
        }

        private static void positive(String flag, Duration d) {
            if (d.isZero() || d.isNegative()) throw new IllegalArgumentException(flag + " must be more than 0 seconds");
        }
    }

    private static void atLeast(String flag, long value, long low, long high) {
        if (value < low) throw new IllegalArgumentException(flag + " " + value + " is less than " + low);
        if (value > high) throw new IllegalArgumentException(flag + " " + value + " is more than " + high);
    }
}
