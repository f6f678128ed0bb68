package dev.skald.service;

import java.util.List;

/**
 * What this process is.
 *
 * @param version    release of the daemon, e.g. "0.1.0"
 * @param instanceId drawn at start
 * @param device     what the model runs on, in words, e.g. "cpu avx2, 2 threads"
 * @param limits     every limit that a request can meet
 */
public record ServerInfo(String version, String instanceId, String device, List<Limit> limits) {
    public ServerInfo {
        limits = List.copyOf(limits);
    }

    /** @param name e.g. "max_model_len", @param unit e.g. "tokens" */
    public record Limit(String name, long value, String unit) {}
}
