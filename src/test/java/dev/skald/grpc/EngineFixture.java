package dev.skald.grpc;

import dev.skald.api.v1.CacheControl;
import dev.skald.api.v1.GenerateRequest;
import dev.skald.api.v1.InferenceGrpc;
import dev.skald.api.v1.RequestOptions;
import dev.skald.api.v1.Sampling;
import dev.skald.api.v1.Stopping;
import dev.skald.api.v1.TokenIds;
import dev.skald.boot.EngineOptions;
import dev.skald.boot.HookedEngine;
import dev.skald.boot.LocalEngine;
import dev.skald.boot.TinyFolder;
import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** A door on a real port before a real engine: a tiny random model on the CPU device, whose operations a test can hold up. */
final class EngineFixture implements AutoCloseable {
    static final int PATIENCE_SECONDS = 60;
    /** Bytes of one of the tiny model's blocks: keys and values of 2 layers, 2 heads, 6 wide, 16 tokens, in F16. */
    static final int BLOCK_BYTES = 2 * 2 * 2 * 6 * 16 * 2;

    final LocalEngine engine;
    final Door door;
    final ManagedChannel channel;

    /**
     * @param parent   a temporary folder
     * @param kvBlocks that all sequences share
     * @param before   called ahead of each operation, on the engine thread
     */
    EngineFixture(Path parent, EngineOptions.Limits limits, int kvBlocks, DoorLimits doorLimits, Consumer<String> before) throws Exception {
        this(parent, limits, kvBlocks, doorLimits, Optional.empty(), before);
    }

    /** @param chatTemplate a file, instead of the tiny model's own */
    EngineFixture(
            Path parent, EngineOptions.Limits limits, int kvBlocks, DoorLimits doorLimits, Optional<Path> chatTemplate, Consumer<String> before)
            throws Exception {
        EngineOptions defaults = EngineOptions.of(TinyFolder.write(parent, "tiny-" + System.nanoTime(), 1));
        EngineOptions.Cache cache =
                new EngineOptions.Cache(OptionalInt.empty(), OptionalLong.of((long) kvBlocks * BLOCK_BYTES), defaults.cache().kvCacheDtype());
        engine = HookedEngine.start(
                new EngineOptions(defaults.model(), defaults.servedName(), chatTemplate, defaults.compute(), cache, limits), before);
        door = Door.open(DoorConfig.loopback().with(doorLimits));
        door.serve(engine.inference(), engine.operations());
        channel = NettyChannelBuilder.forAddress("127.0.0.1", door.port()).usePlaintext().build();
    }

    /** @param sequences at once, @param tokens of a step */
    static EngineOptions.Limits limits(int sequences, int tokens, Duration stall, Duration slowReader) {
        return new EngineOptions.Limits(sequences, tokens, 64, stall, slowReader);
    }

    InferenceGrpc.InferenceBlockingStub stub() {
        return InferenceGrpc.newBlockingStub(channel).withDeadlineAfter(PATIENCE_SECONDS, TimeUnit.SECONDS);
    }

    /** Greedy, past any end, not from the cache; prompts of different {@code salt} have nothing in common. */
    static GenerateRequest.Builder request(int salt, int promptTokens, int maxTokens) {
        TokenIds.Builder ids = TokenIds.newBuilder();
        for (int i = 0; i < promptTokens; i++) ids.addIds((salt * 37 + i * 11) % 400 + 50);
        return GenerateRequest.newBuilder()
                .setTokenIds(ids)
                .setOptions(RequestOptions.newBuilder().setCache(CacheControl.newBuilder().setBypass(true)))
                .setSampling(Sampling.newBuilder().setTemperature(0))
                .setStopping(Stopping.newBuilder().setMaxTokens(maxTokens).setIgnoreEos(true));
    }

    @Override
    public void close() {
        channel.shutdownNow();
        door.close();
        engine.close();
    }
}
