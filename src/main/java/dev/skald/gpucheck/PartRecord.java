package dev.skald.gpucheck;

import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.List;

/**
 * What a part found, kept in a file of its own, so that parts of several calls make one page.
 *
 * @param date      of its beginning, ISO 8601 in UTC
 * @param simulated on the software device: nothing measured here says anything of a card
 * @param state     how its process ended
 * @param results   in the order in which they came
 */
record PartRecord(
        @JsonProperty("part") String part,
        @JsonProperty("about") String about,
        @JsonProperty("simulated") boolean simulated,
        @JsonProperty("card") String card,
        @JsonProperty("commit") String commit,
        @JsonProperty("command") String command,
        @JsonProperty("date") String date,
        @JsonProperty("seconds") double seconds,
        @JsonProperty("state") State state,
        @JsonProperty("detail") String detail,
        @JsonProperty("results") List<Result> results) {
    enum State {
        COMPLETE,
        /** What it found until then is kept. */
        OUT_OF_TIME,
        /** Its process ended by itself and not with 0. */
        BROKEN_OFF
    }

    PartRecord {
        results = List.copyOf(results);
    }

    long count(Result.Kind kind) {
        return results.stream().filter(r -> r.kind() == kind).count();
    }

    @JsonIgnore
    boolean isGood() {
        return state == State.COMPLETE && count(Result.Kind.FAILED) == 0;
    }
}
