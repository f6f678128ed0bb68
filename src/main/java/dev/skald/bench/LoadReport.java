package dev.skald.bench;

import dev.skald.service.InferenceException;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.SortedMap;

/**
 * What the clients saw.
 *
 * @param model           as the server calls it
 * @param settings        the load
 * @param seconds         from the first request to the last answer
 * @param completed       requests that were answered in full
 * @param generatedTokens of all of them, failed ones' too
 * @param ttftMillis      from sending a request to its first token: p50, p95
 * @param itlMillis       between two tokens of an answer: p50, p95; where one message brings several, its gap is shared out among them
 * @param errors          how many requests ended with which status
 * @param firstError      the sentence of the first of them, or ""
 */
public record LoadReport(
        String model,
        LoadSettings settings,
        double seconds,
        int completed,
        long generatedTokens,
        Percentiles ttftMillis,
        Percentiles itlMillis,
        SortedMap<InferenceException.Kind, Integer> errors,
        String firstError) {

    /** Empty where there was nothing to measure. */
    public record Percentiles(OptionalDouble p50, OptionalDouble p95) {
        static Percentiles of(Samples samples) {
            return new Percentiles(samples.percentile(0.5), samples.percentile(0.95));
        }
    }

    public double tokensPerSecond() {
        return generatedTokens / seconds;
    }

    public int failed() {
        return errors.values().stream().mapToInt(Integer::intValue).sum();
    }

    /** The report under its stable names, in order; what could not be measured is null. */
    public Map<String, Object> fields() {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("model", model);
        fields.put("clients", settings.clients());
        fields.put("prompt_tokens", settings.promptTokens());
        fields.put("gen_tokens", settings.genTokens());
        fields.put("requests", settings.requests());
        fields.put("completed", completed);
        fields.put("seconds", Measurement.round(seconds));
        fields.put("generated_tokens_per_s", Measurement.round(tokensPerSecond()));
        fields.put("ttft_ms_p50", orNull(ttftMillis.p50()));
        fields.put("ttft_ms_p95", orNull(ttftMillis.p95()));
        fields.put("itl_ms_p50", orNull(itlMillis.p50()));
        fields.put("itl_ms_p95", orNull(itlMillis.p95()));
        Map<String, Integer> byStatus = new LinkedHashMap<>();
        errors.forEach((kind, count) -> byStatus.put(kind.name().toLowerCase(Locale.ROOT), count));
        fields.put("errors", byStatus);
        return fields;
    }

    private static Double orNull(OptionalDouble value) {
        return value.isPresent() ? Measurement.round(value.getAsDouble()) : null;
    }
}
