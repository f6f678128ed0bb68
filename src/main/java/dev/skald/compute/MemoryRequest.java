package dev.skald.compute;

import java.util.List;
import java.util.OptionalLong;

/**
 * What a model needs.
 *
 * @param weightBytes     as the device will hold them
 * @param activationBytes buffers of a step at its limits
 * @param groups          the KV cache's groups
 * @param maxModelLength  tokens of one full-length sequence
 * @param maxSequences    sequences that run at once
 * @param kvCacheBytes    asked for by flag; empty: the default rule, min(maxSequences × maxModelLength, half of what is left)
 */
public record MemoryRequest(
        long weightBytes, long activationBytes, List<KvGroup> groups, int maxModelLength, int maxSequences, OptionalLong kvCacheBytes) {
    public MemoryRequest {
        groups = List.copyOf(groups);
    }
}
