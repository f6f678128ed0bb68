package dev.skald.boot;

import dev.skald.compute.DeviceInfo;
import dev.skald.engine.Engine;
import dev.skald.engine.EngineHealth;
import dev.skald.schedule.Limits;
import dev.skald.schedule.Load;
import dev.skald.service.Health;
import dev.skald.service.LoadSnapshot;
import dev.skald.service.LocalInference;
import dev.skald.service.Operations;
import dev.skald.service.ServerInfo;
import java.util.List;
import java.util.OptionalDouble;
import java.util.UUID;

/** What operators see and do of the engine in this process. Thread-safe. */
final class LocalOperations implements Operations {
    private final Engine engine;
    private final LocalInference inference;
    private final ServerInfo info;
    private volatile boolean draining;

    LocalOperations(Engine engine, LocalInference inference, DeviceInfo device, String version) {
        this.engine = engine;
        this.inference = inference;
        Limits l = engine.config().limits();
        info = new ServerInfo(
                version,
                UUID.randomUUID().toString(),
                device.backend() + " " + device.isa() + ", " + device.threads() + " threads",
                List.of(
                        limit("max_model_len", l.maxModelLength(), "tokens"),
                        limit("max_num_seqs", l.maxSequences(), "sequences"),
                        limit("max_num_batched_tokens", l.maxBatchedTokens(), "tokens"),
                        limit("queue_size", l.maxQueued(), "requests"),
                        limit("max_choices", l.maxChoices(), "choices"),
                        limit("max_top_logprobs", l.maxTopLogprobs(), "tokens"),
                        limit("kv_cache_tokens", (long) l.kvBlocks() * l.blockTokens(), "tokens")));
    }

    private static ServerInfo.Limit limit(String name, long value, String unit) {
        return new ServerInfo.Limit(name, value, unit);
    }

    @Override
    public ServerInfo info() {
        return info;
    }

    @Override
    public LoadSnapshot load() {
        Load load = engine.snapshot().load();
        int waiting = Math.max(0, engine.liveRequests() - load.runningRequests());
        OptionalDouble perStep = load.decodeStepSeconds();
        OptionalDouble decode = perStep.isEmpty()
                ? OptionalDouble.empty()
                : OptionalDouble.of(Math.max(1, load.runningSequences()) / perStep.getAsDouble());
        return new LoadSnapshot(
                load.runningSequences(),
                waiting,
                load.pausedRequests(),
                load.queuedPrefillTokens(),
                load.kvBlocksUsed(),
                load.kvBlocksCached(),
                load.kvBlocksTotal(),
                engine.config().limits().blockTokens(),
                load.prefillTokensPerSecond(),
                decode);
    }

    @Override
    public Health health() {
        return switch (engine.health()) {
            case EngineHealth.Well well -> new Health(!draining, true);
            case EngineHealth.Closed closed -> new Health(false, true);
            case EngineHealth.Stuck stuck -> Health.DEAD;
            case EngineHealth.Broken broken -> Health.DEAD;
        };
    }

    @Override
    public List<String> abort(List<String> requestIds) {
        // Not the engine's own: it doesn't know those whose prompts are still being tokenised.
        return inference.abort(requestIds);
    }

    @Override
    public int flushPrefixCache() {
        int cached = engine.snapshot().load().kvBlocksCached();
        engine.flushPrefixCache();
        return cached;
    }

    @Override
    public void drain() {
        draining = true;
    }
}
