package dev.skald.batch;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.skald.openai.Json;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/**
 * What a run came to.
 *
 * @param ending     how it ended
 * @param output     the file of answers, @param errors the other
 * @param lines      of this job, @param answered of them, by this run and earlier ones, @param failed the same
 * @param doneBefore by earlier runs
 * @param tally      of this run
 * @param seconds    that lines were being answered
 */
public record Summary(Ending ending, Path output, Path errors, int lines, int answered, int failed, int doneBefore, Counts tally, double seconds) {
    /** @param retried attempts that were repeated */
    public record Counts(int answered, int failed, int retried, long promptTokens, long cachedTokens, long completionTokens) {
        static Counts of(Tally tally) {
            return new Counts(tally.answered, tally.failed, tally.retried, tally.promptTokens, tally.cachedTokens, tally.completionTokens);
        }
    }

    /** One JSON object; stable, scripts read it. */
    public String json() {
        ObjectNode json = Json.newObject();
        json.put("status", switch (ending) {
            case Ending.Complete c -> "complete";
            case Ending.Unfinished u -> "unfinished";
            case Ending.Broken b -> "broken";
        });
        json.put("output", output.toString());
        json.put("errors", errors.toString());
        json.put("lines", lines);
        json.put("answered", answered);
        json.put("failed", failed);
        ObjectNode run = json.putObject("run");
        run.put("done_before", doneBefore);
        run.put("answered", tally.answered());
        run.put("failed", tally.failed());
        run.put("retried", tally.retried());
        run.put("prompt_tokens", tally.promptTokens());
        run.put("cached_tokens", tally.cachedTokens());
        run.put("completion_tokens", tally.completionTokens());
        run.put("seconds", Math.round(seconds * 1000) / 1000.0);
        run.put("lines_per_second", rate(tally.answered() + tally.failed()));
        run.put("tokens_per_second", rate(tally.completionTokens()));
        return new String(Json.bytes(json), StandardCharsets.UTF_8);
    }

    private double rate(long count) {
        return seconds <= 0 ? 0 : Math.round(count / seconds * 10) / 10.0;
    }
}
