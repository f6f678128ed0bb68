package dev.skald.batch;

import dev.skald.service.InferenceEvent.Usage;

/** What this run has done so far. Belongs to the job's thread. */
final class Tally {
    int answered;
    int failed;
    int retried;
    long promptTokens;
    long cachedTokens;
    long completionTokens;

    void add(Usage usage) {
        answered++;
        promptTokens += usage.promptTokens();
        cachedTokens += usage.cachedTokens();
        completionTokens += usage.completionTokens();
    }

    int done() {
        return answered + failed;
    }
}
