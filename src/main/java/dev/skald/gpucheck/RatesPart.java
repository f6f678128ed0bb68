package dev.skald.gpucheck;

import dev.skald.bench.BenchException;
import dev.skald.bench.EngineBench;
import dev.skald.bench.Measurement;
import dev.skald.bench.ModelCost;
import dev.skald.boot.EngineOptions.DeviceKind;
import dev.skald.boot.LocalEngine;
import dev.skald.boot.StartReport;
import dev.skald.compute.cuda.CudaCard;
import dev.skald.compute.cuda.CudaDevice;
import dev.skald.gpucheck.Engines.Wish;
import dev.skald.model.DecoderSpec;
import dev.skald.model.ModelShape;
import dev.skald.model.family.Families;
import dev.skald.tensor.DType;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;

/** How fast a published shape with random weights runs in one weight type: loading, prefill, decoding of many streams, and requests of ragged lengths. */
final class RatesPart implements Part {
    private static final List<Integer> STREAMS = List.of(1, 256, 64, 8, 32, 128);
    private static final List<Integer> PREFILLS = List.of(2048, 512, 8192);
    private static final int TOKENS = 128;
    private static final int BATCHED_TOKENS = 2048;
    /** The software device runs this instead. */
    private static final ModelShape SIMULATED = ModelShape.TINY;
    private static final int RUNS = 2;
    private static final int RUN_SECONDS = 90;
    private static final long SEED = 1;
    /** For activations, tables and workspace. */
    private static final long SPARE_BYTES = 3L << 30;
    private static final long UPLOAD_BYTES = 256L << 20;

    private final ModelShape shape;
    private final DType type;
    private final boolean batchInvariant;

    RatesPart(ModelShape shape, DType type, boolean batchInvariant) {
        this.shape = shape;
        this.type = type;
        this.batchInvariant = batchInvariant;
    }

    @Override
    public String name() {
        return "rates-" + shape.label() + "-" + type.name().toLowerCase(Locale.ROOT) + (batchInvariant ? "-invariant" : "");
    }

    @Override
    public String about() {
        return shape.label() + " of random weights in " + type + (batchInvariant ? ", batch-invariant" : "")
                + ": loading, prefill of one prompt, decoding after prompts of " + TOKENS + " tokens" + (ragged() ? ", requests of ragged lengths" : "");
    }

    @Override
    public int limitSeconds() {
        return 240;
    }

    private boolean ragged() {
        return type == DType.BF16 && !batchInvariant;
    }

    /**
     * What fits.
     *
     * @param streams   decoded at once, in the order in which they are measured
     * @param tokens    of each prompt and of each answer
     * @param kvBytes   of the cache
     * @param maxLength of a sequence
     */
    private record Plan(ModelShape shape, List<Integer> streams, List<Integer> prefills, int tokens, long kvBytes, int maxLength, long bytesPerToken) {}

    @Override
    public void run(Surroundings surroundings, Results results) throws Exception {
        if (!CudaDevice.supports(type)) {
            results.add(Result.notBuilt(name(), "the CUDA device has no kernels for weights of type " + type));
            return;
        }
        Limits limits = Limits.measure(surroundings);
        Optional<Plan> plan = plan(surroundings.simulated(), limits.freeBytes(), results);
        if (plan.isEmpty()) return;
        Plan p = plan.get();
        int sequences = p.streams().stream().mapToInt(Integer::intValue).max().orElseThrow();
        Wish wish = new Wish(
                Path.of(p.shape().label()), DeviceKind.CUDA, Optional.of(type), batchInvariant, p.maxLength(), OptionalLong.of(p.kvBytes()), sequences,
                surroundings.simulated() ? 64 : BATCHED_TOKENS);
        try (LocalEngine local = LocalEngine.start(Engines.options(wish), p.shape(), SEED)) {
            load(local, p, limits, results);
            measure(local, List.of(1, sequences), p, limits, results);
            prefill(local, p, limits, results);
            if (ragged()) results.add(RaggedRun.run(local.engine()::submit, sequences, p.tokens(), local.report().model().vocabularySize(), RUN_SECONDS));
            measure(local, p.streams().stream().filter(s -> s != 1 && s != sequences).toList(), p, limits, results);
        }
    }

    /** The card's own, measured before the model is there. */
    private record Limits(double readGigabytes, double productTeras, double uploadGigabytes, long freeBytes) implements EngineBench.Machine {
        static Limits measure(Surroundings surroundings) throws Exception {
            double read = CardPart.readGigabytes(surroundings);
            double teras = CardPart.productTeras(surroundings);
            try (CudaCard card = CudaCard.open(surroundings.cuda(false))) {
                long free = (Long) card.report().get("free_bytes");
                return new Limits(read, teras, card.uploadGigabytes(surroundings.simulated() ? UPLOAD_BYTES >> 8 : UPLOAD_BYTES), free);
            }
        }

        @Override
        public double readGigabytes(int threads) {
            return readGigabytes;
        }

        /** A multiply-add is two operations. */
        @Override
        public OptionalDouble fmaGigas(int threads) {
            return OptionalDouble.of(productTeras * 1e3 / 2);
        }
    }

    private Optional<Plan> plan(boolean small, long free, Results results) {
        ModelShape used = small ? SIMULATED : shape;
        DecoderSpec spec = Families.spec(used.config());
        long perToken = 2L * 2 * spec.layers() * spec.kvCols();
        if (small) return Optional.of(new Plan(used, List.of(1, 3), List.of(24), 8, 256 * perToken * 2, 256, perToken));
        long weights = type.bytes(Math.ceilDiv(spec.parameters(), type.blockElements()) * type.blockElements());
        int positions = used == ModelShape.LLAMA_2_7B ? 4096 : 8192;
        List<Integer> streams = new ArrayList<>();
        for (int s : STREAMS) {
            if (kvBytes(s, perToken, positions) + weights + SPARE_BYTES <= free) streams.add(s);
            else results.add(Result.skipped(decodeName(s), "the card has " + (free >> 20) + " MiB free, too little for so many sequences"));
        }
        List<Integer> prefills = PREFILLS.stream().filter(n -> n < positions).toList();
        for (int n : PREFILLS) if (n >= positions) results.add(Result.skipped("prefill " + n, shape.label() + " has " + positions + " positions"));
        if (!streams.contains(1)) return Optional.empty();
        int most = streams.stream().mapToInt(Integer::intValue).max().orElseThrow();
        return Optional.of(new Plan(used, streams, prefills, TOKENS, kvBytes(most, perToken, positions), positions, perToken));
    }

    /** At least one sequence of full length. */
    private static long kvBytes(int streams, long perToken, int positions) {
        return Math.max(streams * (2L * TOKENS + 32), positions + 64) * perToken;
    }

    private static void load(LocalEngine local, Plan plan, Limits limits, Results results) {
        StartReport report = local.report();
        double seconds = report.modelNanos() * 1e-9;
        double rate = report.memory().weightBytes() * 1e-9 / seconds;
        Map<String, Object> values = new LinkedHashMap<>();
        values.put("shape", plan.shape().label());
        values.put("weight_bytes", report.memory().weightBytes());
        values.put("load_s", Result.round(seconds));
        values.put("load_gb_per_s", Result.round(rate));
        values.put("pinned_copy_gb_per_s", Result.round(limits.uploadGigabytes()));
        values.put("times_a_pinned_copy", Result.round(limits.uploadGigabytes() / rate));
        values.put("first_token_s", Result.round(report.warmUpNanos() * 1e-9));
        results.add(Result.measured("load", values));
    }

    private static String decodeName(int streams) {
        return "decode, " + streams + (streams == 1 ? " stream" : " streams");
    }

    private void measure(LocalEngine local, List<Integer> streams, Plan plan, Limits limits, Results results) throws InterruptedException {
        for (int s : streams.stream().distinct().toList()) {
            bench(local, decodeName(s), new EngineBench.Settings(plan.tokens(), plan.tokens(), List.of(s), RUNS, SEED, RUN_SECONDS), plan, limits, results);
        }
    }

    private void prefill(LocalEngine local, Plan plan, Limits limits, Results results) throws InterruptedException {
        for (int n : plan.prefills()) {
            int tokens = Math.min(n, plan.maxLength() - 1);
            bench(local, "prefill " + tokens, new EngineBench.Settings(tokens, 0, List.of(1), RUNS, SEED, RUN_SECONDS), plan, limits, results);
        }
    }

    private static void bench(LocalEngine local, String name, EngineBench.Settings settings, Plan plan, Limits limits, Results results) throws InterruptedException {
        StartReport report = local.report();
        Measurement.Subject subject = new Measurement.Subject(
                report.model().name(), report.device().backend(), report.device().isa(), report.model().dtype(), 1, report.model().vocabularySize(),
                ModelCost.of(local.spec(), local.decodeBytes()));
        try {
            new EngineBench(local.engine()::submit, local.engine()::snapshot, subject, settings, limits)
                    .run(m -> results.add(Result.measured(name, values(m, plan))));
        } catch (BenchException e) {
            results.add(Result.failed(name, e.getMessage()));
        }
    }

    private static Map<String, Object> values(Measurement m, Plan plan) {
        Map<String, Object> values = new LinkedHashMap<>();
        if (m.decodeRate().isPresent()) {
            double steps = m.decodeRate().getAsDouble() / m.streams();
            double kv = (double) m.streams() * (m.promptTokens() + m.genTokens() / 2.0) * plan.bytesPerToken();
            values.put("decode_tokens_per_s", Result.round(m.decodeRate().getAsDouble()));
            values.put("itl_ms_p50", Result.round(m.itlMillis().orElse(Double.NaN)));
            values.put("bandwidth_share_weights", Result.round(m.bandwidthShare().orElse(Double.NaN)));
            values.put("bandwidth_share_weights_and_kv", Result.round(steps * (m.subject().cost().weightBytes() + kv) / (m.readGigabytes() * 1e9)));
            values.put("engine_overhead", Result.round(m.overhead().orElse(Double.NaN)));
        }
        values.put("prefill_tokens_per_s", Result.round(m.prefillRate()));
        values.put("ttft_ms_p50", Result.round(m.ttftMillis()));
        values.put("matrix_share", Result.round(m.peakShare().orElse(Double.NaN)));
        return values;
    }
}
