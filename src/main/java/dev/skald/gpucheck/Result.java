package dev.skald.gpucheck;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * One thing that was found; a line of JSON between a part's process and the one that started it.
 *
 * @param kind   what came of it
 * @param name   of what was looked at, unique within its part
 * @param detail one sentence: why it failed or was left out; empty if there is nothing to say
 * @param values what was measured, in order, under stable names with their units
 */
record Result(
        @JsonProperty("kind") Kind kind,
        @JsonProperty("name") String name,
        @JsonProperty("detail") String detail,
        @JsonProperty("values") Map<String, Object> values) {
    enum Kind {
        /** It is as it must be. */
        PASSED,
        /** It isn't. */
        FAILED,
        /** A number, which is neither. */
        MEASURED,
        /** This machine lacks what it needs. */
        SKIPPED,
        /** The CUDA device can't do it yet. */
        NOT_BUILT
    }

    Result {
        values = Collections.unmodifiableMap(new LinkedHashMap<>(values));
    }

    static Result passed(String name, Map<String, Object> values) {
        return new Result(Kind.PASSED, name, "", values);
    }

    static Result failed(String name, String detail, Map<String, Object> values) {
        return new Result(Kind.FAILED, name, detail, values);
    }

    static Result failed(String name, String detail) {
        return failed(name, detail, Map.of());
    }

    static Result measured(String name, Map<String, Object> values) {
        return new Result(Kind.MEASURED, name, "", values);
    }

    static Result skipped(String name, String detail) {
        return new Result(Kind.SKIPPED, name, detail, Map.of());
    }

    static Result notBuilt(String name, String detail) {
        return new Result(Kind.NOT_BUILT, name, detail, Map.of());
    }

    /** To five significant digits: more would only look exact. */
    static double round(double value) {
        if (!Double.isFinite(value)) return value;
        return new java.math.BigDecimal(value).round(new java.math.MathContext(5)).doubleValue();
    }
}
