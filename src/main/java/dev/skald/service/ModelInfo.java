package dev.skald.service;

import dev.skald.sampling.SamplingParams;

/**
 * @param name           as requests call it
 * @param family         e.g. "llama"
 * @param parameters     number of weights
 * @param dtype          of the weights
 * @param contextLength  most tokens of prompt and answer together
 * @param vocabularySize number of logits
 * @param defaults       sampling where a request leaves it unset
 * @param hasTemplate    whether it can chat
 * @param fingerprint    equal fingerprints give equal answers
 */
public record ModelInfo(
        String name,
        String family,
        long parameters,
        String dtype,
        int contextLength,
        int vocabularySize,
        SamplingParams defaults,
        boolean hasTemplate,
        String fingerprint) {}
