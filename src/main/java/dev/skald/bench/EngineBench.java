package dev.skald.bench;

import dev.skald.compute.cpu.CpuProbe;
import dev.skald.engine.EngineSnapshot;
import dev.skald.service.Submitter;
import dev.skald.tensor.DType;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * Measures an engine in token ids. One run with s streams: s prompts, drawn anew so that no cache knows them, submitted at once for one token
 * each (prefill rate, time to first token); then the same prompts once more for all their tokens, with their prefill in the cache, so that
 * the streams decode together (decode rate, inter-token latency). One run beforehand warms up and is not counted. Between the runs the machine's
 * read bandwidth is measured, with nothing else going on.
 */
public final class EngineBench {
    /**
     * @param promptTokens   of each prompt, at least 1
     * @param genTokens      generated after it; 0: prefill only, else at least 2
     * @param streams        requests at once, one measurement each
     * @param runs           of which the median is taken
     * @param seed           of the prompts
     * @param timeoutSeconds for one run
     */
    public record Settings(int promptTokens, int genTokens, List<Integer> streams, int runs, long seed, long timeoutSeconds) {
        public static final int MAX_STREAMS = 4096;
        public static final int MAX_RUNS = 1000;

        /** @throws IllegalArgumentException naming the flag */
        public Settings {
            streams = List.copyOf(streams);
            if (promptTokens < 1) throw new IllegalArgumentException("-p " + promptTokens + " is less than 1");
            if (genTokens != 0 && genTokens < 2) throw new IllegalArgumentException("-n " + genTokens + " is neither 0 (no decoding) nor at least 2");
            if (runs < 1 || runs > MAX_RUNS) throw new IllegalArgumentException("-r " + runs + " is outside [1, " + MAX_RUNS + "]");
            if (streams.isEmpty()) throw new IllegalArgumentException("--streams is empty");
            for (int s : streams) {
                if (s < 1 || s > MAX_STREAMS) throw new IllegalArgumentException("--streams " + s + " is outside [1, " + MAX_STREAMS + "]");
            }
        }

        /** Most requests that run at once: what the engine's limits must allow. */
        public int mostStreams() {
            return streams.stream().mapToInt(Integer::intValue).max().orElseThrow();
        }
    }

    /** The limits of the machine, or of the card that it has. */
    public interface Machine {
        /** 10⁹ bytes per second. */
        double readGigabytes(int threads) throws InterruptedException;

        /** 10⁹ multiply-adds per second, of the kind that the subject's products are made of; empty where they can't be measured. */
        OptionalDouble fmaGigas(int threads) throws InterruptedException;
    }

    /** @param probe where native kernels are measured: their own instructions are the limit */
    private record ThisMachine(Measurement.Subject subject, Optional<CpuProbe> probe) implements Machine {
        static ThisMachine of(Measurement.Subject subject, Optional<Path> nativeFolder) {
            boolean nativeKernels = subject.device().equals("cpu") && !subject.isa().startsWith("java");
            return new ThisMachine(subject, nativeFolder.filter(folder -> nativeKernels).map(folder -> new CpuProbe(folder, subject.isa())));
        }

        @Override
        public double readGigabytes(int threads) throws InterruptedException {
            return ReadBandwidth.measure(threads, probe);
        }

        @Override
        public OptionalDouble fmaGigas(int threads) throws InterruptedException {
            if (probe.isEmpty()) return FmaPeak.measure(threads);
            DType weights = DType.valueOf(subject.dtype().toUpperCase(Locale.ROOT));
            return OptionalDouble.of(NativePeak.measure(probe.get(), weights, threads));
        }
    }

    /** Below this share of the tokens, what decoded together says nothing of decoding. */
    private static final double LEAST_TOGETHER = 0.25;

    private final Submitter engine;
    private final Supplier<EngineSnapshot> figures;
    private final Measurement.Subject subject;
    private final Settings settings;
    private final Machine machine;
    private final SplittableRandom random;
    private final PeakMemory memory = new PeakMemory();
    private int runsStarted;

    /**
     * @param engine       with room for {@link Settings#mostStreams} sequences at their full length and a prefix cache; nobody else uses it
     * @param figures      the engine's own, at the moment
     * @param nativeFolder of the native library, for the peak of its kernels; empty: that isn't measured
     */
    public EngineBench(
            Submitter engine, Supplier<EngineSnapshot> figures, Measurement.Subject subject, Settings settings, Optional<Path> nativeFolder) {
        this(engine, figures, subject, settings, ThisMachine.of(subject, nativeFolder));
    }

    /** As above. @param machine asked between the runs */
    public EngineBench(Submitter engine, Supplier<EngineSnapshot> figures, Measurement.Subject subject, Settings settings, Machine machine) {
        this.engine = engine;
        this.figures = figures;
        this.subject = subject;
        this.settings = settings;
        this.machine = machine;
        random = new SplittableRandom(settings.seed());
    }

    /** @param each takes every measurement when it is done, in the order of the settings */
    public void run(Consumer<Measurement> each) throws InterruptedException {
        memory.read();
        OptionalDouble fma = machine.fmaGigas(subject.threads());
        for (int streams : settings.streams()) each.accept(measure(streams, fma));
    }

    private Measurement measure(int streams, OptionalDouble fma) throws InterruptedException {
        Samples bandwidth = new Samples();
        Samples prefill = new Samples();
        Samples decode = new Samples();
        Samples firstTokens = new Samples();
        Samples gaps = new Samples();
        Samples overhead = new Samples();
        for (int run = 0; run <= settings.runs(); run++) {
            boolean counts = run > 0;
            int[][] prompts = prompts(streams);
            StreamRun first = run(prompts, 1);
            if (counts) {
                prefill.add((double) streams * settings.promptTokens() / first.prefillSeconds());
                first.addFirstTokens(firstTokens);
            }
            if (settings.genTokens() > 0) {
                EngineSnapshot before = figures.get();
                StreamRun all = run(prompts, settings.genTokens());
                requireTogether(streams, all);
                if (counts) {
                    decode.add(all.tokensTogether() / all.secondsTogether());
                    all.addGaps(gaps);
                    figures.get().overheadSince(before).ifPresent(overhead::add);
                }
            }
            memory.read();
            bandwidth.add(machine.readGigabytes(subject.threads()));
            memory.forget();
        }
        OptionalLong peak = memory.read();
        return new Measurement(
                subject, streams, settings.promptTokens(), settings.genTokens(), prefill.median().orElseThrow(), decode.median(),
                firstTokens.percentile(0.5).orElseThrow(), gaps.percentile(0.5), bandwidth.median().orElseThrow(), fma, peak,
                overhead.median());
    }

    private StreamRun run(int[][] prompts, int genTokens) throws InterruptedException {
        return StreamRun.run(engine, prompts, genTokens, "bench-" + runsStarted++, settings.timeoutSeconds());
    }

    private void requireTogether(int streams, StreamRun run) {
        int together = run.tokensTogether();
        int all = streams * settings.genTokens();
        if (together < LEAST_TOGETHER * all) {
            throw new BenchException(String.format(
                    Locale.ROOT,
                    "only %d of %d tokens of %d streams were decoded together: the KV cache is too small for that many sequences of %d tokens, or -n too small",
                    together, all, streams, settings.promptTokens() + settings.genTokens()));
        }
    }

    private int[][] prompts(int streams) {
        List<int[]> prompts = new ArrayList<>();
        for (int i = 0; i < streams; i++) prompts.add(random.ints(settings.promptTokens(), 0, subject.vocabularySize()).toArray());
        return prompts.toArray(int[][]::new);
    }
}
