package dev.skald.bench;

import dev.skald.model.DecoderSpec;

/**
 * What a model asks of the machine.
 *
 * @param weightBytes     bytes that a decode step reads, in the file's own format: all weights without the embedding table, but with the head,
 *                        even where the head is that same table
 * @param prefillMacs     multiply-adds with weights for one prompt token: the layers' projections; the head runs once per prompt, attention
 *                        is not counted
 */
public record ModelCost(long weightBytes, long prefillMacs) {
    /** @param weightBytes see above */
    public static ModelCost of(DecoderSpec spec, long weightBytes) {
        long q = spec.queryCols();
        long projections = spec.hidden() * (q + 2L * spec.kvCols()) + q * spec.hidden() + 3L * spec.hidden() * spec.intermediate();
        return new ModelCost(weightBytes, spec.layers() * projections);
    }
}
