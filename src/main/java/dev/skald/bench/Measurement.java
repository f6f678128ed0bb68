package dev.skald.bench;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.OptionalLong;

/**
 * What was measured with one number of streams. Rates are medians over runs, percentiles are over the requests or tokens of all runs.
 *
 * @param subject       what was measured
 * @param streams       requests at once
 * @param promptTokens  of each
 * @param genTokens     of each
 * @param prefillRate   prompt tokens per second, all streams together, from the first submission to the last first token
 * @param decodeRate    generated tokens per second, all streams together, while all of them decode and none prefills
 * @param ttftMillis    p50 from submission to first token, all streams submitted at once
 * @param itlMillis     p50 between two tokens of a stream, while all of them decode
 * @param readGigabytes the machine's read bandwidth in 10⁹ bytes per second, measured between the runs with as many threads
 * @param fmaGigas      the machine's multiply-adds, 10⁹ per second, of the kind that the kernels use for these weights; empty where it could not be measured
 * @param peakRssBytes  empty where the system doesn't tell
 * @param overhead      share of the engine thread's time in the decoding runs that it spent outside the device: planning, results, events
 */
public record Measurement(
        Subject subject,
        int streams,
        int promptTokens,
        int genTokens,
        double prefillRate,
        OptionalDouble decodeRate,
        double ttftMillis,
        OptionalDouble itlMillis,
        double readGigabytes,
        OptionalDouble fmaGigas,
        OptionalLong peakRssBytes,
        OptionalDouble overhead) {

    /**
     * @param model          its name
     * @param device         backend, as {@link dev.skald.compute.DeviceInfo} names it
     * @param isa            instruction set of the kernels
     * @param dtype          of the weights
     * @param threads        compute threads
     * @param vocabularySize prompts are drawn from it
     * @param cost           what the model asks of the machine
     */
    public record Subject(String model, String device, String isa, String dtype, int threads, int vocabularySize, ModelCost cost) {}

    /** Share of the read bandwidth that reading the weights once per decode step takes. */
    public OptionalDouble bandwidthShare() {
        if (decodeRate.isEmpty()) return OptionalDouble.empty();
        double stepsPerSecond = decodeRate.getAsDouble() / streams;
        return OptionalDouble.of(stepsPerSecond * subject.cost().weightBytes() / (readGigabytes * 1e9));
    }

    /** Share of the multiply-add peak that the projections of prefill take. */
    public OptionalDouble peakShare() {
        if (fmaGigas.isEmpty()) return OptionalDouble.empty();
        return OptionalDouble.of(prefillRate * subject.cost().prefillMacs() / (fmaGigas.getAsDouble() * 1e9));
    }

    /** The measurement under its stable names, in order; what could not be measured is null. */
    public Map<String, Object> fields() {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("model", subject.model());
        fields.put("device", subject.device());
        fields.put("isa", subject.isa());
        fields.put("dtype", subject.dtype());
        fields.put("threads", subject.threads());
        fields.put("streams", streams);
        fields.put("prompt_tokens", promptTokens);
        fields.put("gen_tokens", genTokens);
        fields.put("prefill_tokens_per_s", round(prefillRate));
        fields.put("decode_tokens_per_s", orNull(decodeRate));
        fields.put("ttft_ms_p50", round(ttftMillis));
        fields.put("itl_ms_p50", orNull(itlMillis));
        fields.put("read_gb_per_s", round(readGigabytes));
        fields.put("bandwidth_share", orNull(bandwidthShare()));
        fields.put("peak_share", orNull(peakShare()));
        fields.put("weight_bytes", subject.cost().weightBytes());
        fields.put("peak_rss_bytes", peakRssBytes.isPresent() ? peakRssBytes.getAsLong() : null);
        fields.put("engine_overhead", orNull(overhead));
        return fields;
    }

    private static Double orNull(OptionalDouble value) {
        return value.isPresent() ? round(value.getAsDouble()) : null;
    }

    /** To five significant digits: more would only look exact. */
    static double round(double value) {
        return new java.math.BigDecimal(value).round(new java.math.MathContext(5)).doubleValue();
    }
}
