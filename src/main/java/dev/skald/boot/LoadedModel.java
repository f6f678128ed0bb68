package dev.skald.boot;

import dev.skald.compute.Device;
import dev.skald.compute.InsufficientMemoryException;
import dev.skald.compute.KvCache;
import dev.skald.compute.KvGroup;
import dev.skald.compute.MemoryPlan;
import dev.skald.compute.MemoryRequest;
import dev.skald.model.Decoder;
import dev.skald.model.DecoderSpec;
import dev.skald.model.LoadOptions;
import dev.skald.model.ModelConfig;
import dev.skald.model.family.Families;
import dev.skald.quantize.Progress;
import dev.skald.schedule.Limits;
import dev.skald.service.InferenceRequest;
import dev.skald.weights.Checkpoint;
import java.util.List;

/**
 * A model in a device's memory, with its KV cache, ready to step.
 *
 * @param config what its folder says
 * @param spec   its architecture
 * @param decoder runs it
 * @param limits what fits
 * @param memory how memory is divided
 */
record LoadedModel(ModelConfig config, DecoderSpec spec, Decoder decoder, Limits limits, MemoryPlan memory) {
    /** Prompts that are computed at once. */
    private static final int MAX_PREFILLS = 2;

    /**
     * Plans memory, packs the weights, allocates the KV cache and starts the device. Nothing is allocated on it afterwards.
     *
     * @param progress hears of quantising
     * @throws StartException if the model is longer than asked for, or one full-length sequence does not fit
     */
    static LoadedModel load(EngineOptions options, ModelConfig config, Checkpoint checkpoint, Device device, Progress progress) {
        DecoderSpec spec = Families.spec(config);
        int length = options.cache().maxModelLen().orElse(spec.maxPositions());
        if (length > spec.maxPositions()) {
            throw new StartException("--max-model-len " + length + " is more than the " + spec.maxPositions() + " positions that the model was made for");
        }
        if (length < 2) throw new StartException("a context of " + length + " token holds no prompt and answer");
        LoadOptions load = new LoadOptions(options.compute().dtype(), length, progress);
        List<KvGroup> groups = Decoder.kvGroups(spec, options.cache().kvCacheDtype());
        Limits smallest = limits(options, length, Math.ceilDiv(length, Decoder.BLOCK_TOKENS));
        MemoryPlan memory;
        try {
            memory = device.plan(new MemoryRequest(
                    Decoder.weightBytes(spec, checkpoint, device, load),
                    Decoder.activationBytes(spec, smallest.batch()),
                    groups,
                    length,
                    options.limits().maxNumSeqs(),
                    options.cache().kvCacheMemoryBytes()));
        } catch (InsufficientMemoryException e) {
            throw new StartException(e.getMessage(), e);
        }
        Limits limits = limits(options, length, memory.kvBlocks());
        Decoder decoder = Decoder.load(spec, checkpoint, device, limits.batch(), load);
        KvCache cache = device.kvCache(groups, memory.kvBlocks());
        device.start(limits.batch(), cache, spec.vocabulary());
        return new LoadedModel(config, spec, decoder, limits, memory);
    }

    private static Limits limits(EngineOptions options, int length, int kvBlocks) {
        EngineOptions.Limits l = options.limits();
        return new Limits(
                l.queueSize(),
                l.maxNumSeqs(),
                l.maxNumBatchedTokens(),
                l.maxNumSeqs(),
                MAX_PREFILLS,
                length,
                l.maxNumSeqs(),
                InferenceRequest.Output.MAX_TOP_LOGPROBS,
                kvBlocks,
                Decoder.BLOCK_TOKENS);
    }
}
