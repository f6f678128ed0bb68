package dev.skald.grpc;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.skald.api.v1.GenerateRequest;
import dev.skald.api.v1.GenerateStreamRequest;
import dev.skald.api.v1.InferenceGrpc;
import dev.skald.api.v1.Logprobs;
import dev.skald.api.v1.Output;
import dev.skald.boot.EngineOptions;
import dev.skald.boot.LocalEngine;
import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Measures what eight reading streams pay for four clients that never grant window, skald-mini behind a real door: their inter-token latency
 * with and without, in alternation. Prints the ratio of the medians; it is written down, not asserted, since machines differ.
 */
@Tag("slow")
class StalledClientCostTest {
    private static final int ROUNDS = 8;
    private static final int READERS = 8;
    private static final int TOKENS = 300;

    @Test
    void othersPayNothingForClientsThatDontRead() throws Exception {
        try (LocalEngine engine = LocalEngine.start(EngineOptions.of(Path.of("src/skald-mini/model"))); Door door = Door.open(DoorConfig.loopback())) {
            door.serve(engine.inference(), engine.operations());
            ManagedChannel channel = NettyChannelBuilder.forAddress("127.0.0.1", door.port()).usePlaintext().build();
            List<Long> alone = new ArrayList<>();
            List<Long> beside = new ArrayList<>();
            for (int i = 0; i < 4; i++) read(channel); // warms up
            for (int round = 0; round < ROUNDS; round++) {
                alone.addAll(read(channel));
                List<RawHttp2> stalled = new ArrayList<>();
                for (int i = 0; i < 4; i++) stalled.add(stall(door, i));
                DoorFixture.await("all are paused", () -> engine.operations().load().paused() == 4);
                beside.addAll(read(channel));
                for (RawHttp2 client : stalled) client.close();
                DoorFixture.await("they are gone", () -> engine.operations().load().kvBlocksUsed() == 0);
            }
            channel.shutdownNow();
            assertEquals(ROUNDS * READERS * (TOKENS - 1), beside.size());
            System.out.printf("inter-token latency p50 of %d streams: %.3f ms alone, %.3f ms beside 4 stalled clients, ratio %.3f (%d rounds, alternated)%n",
                    READERS, median(alone) / 1e6, median(beside) / 1e6, (double) median(beside) / median(alone), ROUNDS);
        }
    }

    private static long median(List<Long> nanos) {
        Collections.sort(nanos);
        return nanos.get(nanos.size() / 2);
    }

    /** @return nanoseconds between tokens of all readers */
    private static List<Long> read(ManagedChannel channel) throws Exception {
        List<CompletableFuture<List<Long>>> readers = new ArrayList<>();
        for (int i = 0; i < READERS; i++) {
            GenerateStreamRequest request = GenerateStreamRequest.parseFrom(EngineFixture.request(i, 32, TOKENS).build().toByteArray());
            readers.add(CompletableFuture.supplyAsync(() -> gaps(channel, request), task -> Thread.ofVirtual().start(task)));
        }
        List<Long> gaps = new ArrayList<>();
        for (CompletableFuture<List<Long>> reader : readers) gaps.addAll(reader.get(120, TimeUnit.SECONDS));
        return gaps;
    }

    private static List<Long> gaps(ManagedChannel channel, GenerateStreamRequest request) {
        List<Long> gaps = new ArrayList<>();
        long[] last = {0};
        InferenceGrpc.newBlockingStub(channel).generateStream(request).forEachRemaining(event -> {
            long now = System.nanoTime();
            for (int i = 0; i < event.getDelta().getTokenIdsCount(); i++) {
                if (last[0] != 0) gaps.add(i == 0 ? now - last[0] : 0L);
                last[0] = now;
            }
        });
        return gaps;
    }

    /** An answer of which much has to wait: four choices, twenty alternatives beside each token. */
    private static RawHttp2 stall(Door door, int salt) throws Exception {
        GenerateRequest.Builder request = EngineFixture.request(100 + salt, 32, 1500);
        request.getSamplingBuilder().setN(4);
        request.setOutput(Output.newBuilder().setLogprobs(Logprobs.newBuilder().setTopN(20)));
        RawHttp2 client = RawHttp2.connect(door.port(), 0);
        client.headers(1, "/skald.v1.Inference/GenerateStream", List.of());
        client.frame(RawHttp2.DATA, RawHttp2.END_STREAM, 1, RawHttp2.grpcMessage(request.build().toByteArray()));
        return client;
    }
}
