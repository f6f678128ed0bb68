package dev.skald.bench;

/**
 * A load of identical clients, each sending its next request when it has the answer to the last.
 *
 * @param clients      requests at once
 * @param promptTokens of each, drawn by seed; at least 1
 * @param genTokens    of each, at least 1; end tokens don't end it
 * @param requests     in all
 * @param seed         of the prompts
 */
public record LoadSettings(int clients, int promptTokens, int genTokens, int requests, long seed) {
    public static final int MAX_CLIENTS = 10_000;
    public static final int MAX_REQUESTS = 10_000_000;

    /** @throws IllegalArgumentException naming the flag */
    public LoadSettings {
        if (clients < 1 || clients > MAX_CLIENTS) throw new IllegalArgumentException("--clients " + clients + " is outside [1, " + MAX_CLIENTS + "]");
        if (promptTokens < 1) throw new IllegalArgumentException("-p " + promptTokens + " is less than 1");
        if (genTokens < 1) throw new IllegalArgumentException("-n " + genTokens + " is less than 1");
        if (requests < 1 || requests > MAX_REQUESTS) {
            throw new IllegalArgumentException("--requests " + requests + " is outside [1, " + MAX_REQUESTS + "]");
        }
    }
}
