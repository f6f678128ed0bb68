package dev.skald.grpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.skald.api.v1.GenerateRequest;
import dev.skald.api.v1.GenerateStreamRequest;
import dev.skald.api.v1.GetLoadRequest;
import dev.skald.api.v1.GetLoadResponse;
import dev.skald.api.v1.InferenceGrpc;
import dev.skald.api.v1.Logprobs;
import dev.skald.api.v1.Output;
import dev.skald.api.v1.PromptLogprobs;
import dev.skald.api.v1.ServerGrpc;
import dev.skald.engine.StepLog;
import io.grpc.Context;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Clients that don't read, or go away, before a real engine: nobody else pays for them, and no block is lost. */
@Timeout(90)
class EngineSlowReaderTest {
    private static final Duration LONG = Duration.ofSeconds(60);
    private static final String SLOW = "slow";
    private static final String PATH = "/skald.v1.Inference/GenerateStream";

    @TempDir
    Path folder;

    /** Steps take so long at least, so that a pause arrives before an answer is over. */
    private final AtomicLong stepMillis = new AtomicLong();

    private EngineFixture open(int sequences, int kvBlocks, int bufferBytes, Duration slowReader) throws Exception {
        return new EngineFixture(
                folder, EngineFixture.limits(sequences, 64, LONG, slowReader), kvBlocks,
                DoorFixture.limits(64, 64, bufferBytes, slowReader), operation -> {
                    if (!operation.equals("embed") || stepMillis.get() == 0) return;
                    try {
                        Thread.sleep(stepMillis.get());
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    }
                });
    }

    @Test
    void withTheWholeCacheHeldByClientsThatDontReadANewRequestGetsItsTokens() throws Exception {
        int slow = 4;
        int blocksEach = 13;
        try (EngineFixture fixture = open(slow, slow * blocksEach + 2, 64 << 10, LONG)) {
            List<Integer> expected = fixture.stub().generate(EngineFixture.request(9, 100, 3).build()).getChoices(0).getTokenIdsList();
            stepMillis.set(10);
            List<RawHttp2> stalled = new ArrayList<>();
            try {
                // What is told of the prompt is more than the transport holds for a client without a window: the first token's delta has to wait.
                for (int i = 0; i < slow; i++) stalled.add(stall(fixture, promptScored(EngineFixture.request(i, 200, 50))));
                DoorFixture.await("all are paused", () -> fixture.engine.operations().load().paused() == slow);
                stepMillis.set(0);
                GetLoadResponse load = load(fixture);
                assertTrue(load.getKvBlocksUsed() >= slow * blocksEach, load.toString());
                long told = tokensOfSlow(fixture);
                assertEquals(expected, fixture.stub().generate(EngineFixture.request(9, 100, 3).build()).getChoices(0).getTokenIdsList());
                assertEquals(told, tokensOfSlow(fixture), "who doesn't read gets nothing");
                DoorFixture.await("only theirs are open", () -> fixture.door.holdings().calls() == slow);
            } finally {
                for (RawHttp2 client : stalled) client.close();
            }
            awaitNothingHeld(fixture);
        }
    }

    @Test
    void aClientWithoutWindowHoldsNoMoreThanItsBufferAndItsBlocksComeBack() throws Exception {
        int buffer = 64 << 10;
        try (EngineFixture fixture = open(8, 128, buffer, Duration.ofSeconds(2))) {
            GenerateRequest request = chatty(EngineFixture.request(1, 20, 180)).build();
            stepMillis.set(2);
            long[] whole = sizeOf(fixture, request);
            stepMillis.set(5);
            try (RawHttp2 client = stall(fixture, request.toBuilder())) {
                DoorFixture.await("it is paused", () -> fixture.engine.operations().load().paused() == 1);
                long produced = tokensOfSlow(fixture) * whole[0] / whole[1];
                long bound = DoorLimits.READY_THRESHOLD_BYTES + buffer;
                assertTrue(produced <= bound && bound < whole[0] / 2, produced + " of " + whole[0] + " bytes were produced; the bound is " + bound);
                stepMillis.set(0);
                assertEquals(3, fixture.stub().generate(EngineFixture.request(2, 20, 3).build()).getUsage().getCompletionTokens());
                RawHttp2.Frame end = client.await(frame -> frame.type() == RawHttp2.RST_STREAM && frame.stream() == 1);
                assertEquals(RawHttp2.ENHANCE_YOUR_CALM, end.error(), "which gRPC clients read as RESOURCE_EXHAUSTED");
                awaitNothingHeld(fixture);
            }
        }
    }

    @Test
    void clientsThatCancelTimeOutOrVanishLeaveNoBlockBehind() throws Exception {
        try (EngineFixture fixture = open(8, 64, 64 << 10, LONG)) {
            stepMillis.set(2);
            List<RawHttp2> vanishing = new ArrayList<>();
            CountDownLatch over = new CountDownLatch(16);
            for (int i = 0; i < 8; i++) {
                vanishing.add(stall(fixture, EngineFixture.request(i, 30, 200)));
                GenerateStreamRequest request = streamed(EngineFixture.request(20 + i, 30, 200).build());
                Thread.ofVirtual().start(() -> {
                    Context.CancellableContext context = Context.current().withCancellation();
                    context.run(() -> fixture.stub().generateStream(request).next());
                    context.cancel(null);
                    over.countDown();
                });
                int millis = 20 + 30 * i;
                Thread.ofVirtual().start(() -> {
                    try {
                        InferenceGrpc.newBlockingStub(fixture.channel).withDeadlineAfter(millis, TimeUnit.MILLISECONDS)
                                .generateStream(request).forEachRemaining(event -> {});
                    } catch (StatusRuntimeException e) {
                        over.countDown();
                    }
                });
            }
            DoorFixture.await("some run", () -> fixture.engine.operations().load().running() > 0);
            for (RawHttp2 client : vanishing) client.close();
            assertTrue(over.await(EngineFixture.PATIENCE_SECONDS, TimeUnit.SECONDS));
            awaitNothingHeld(fixture);
            stepMillis.set(0);
            assertEquals(3, fixture.stub().generate(EngineFixture.request(1, 200, 3).build()).getUsage().getCompletionTokens());
        }
    }

    private static RawHttp2 stall(EngineFixture fixture, GenerateRequest.Builder request) throws IOException {
        RawHttp2 client = RawHttp2.connect(fixture.door.port(), 0);
        client.headers(1, PATH, List.of());
        request.getOptionsBuilder().setRequestId(SLOW + request.getTokenIds().getIds(0));
        client.frame(RawHttp2.DATA, RawHttp2.END_STREAM, 1, RawHttp2.grpcMessage(request.build().toByteArray()));
        return client;
    }

    private static GenerateRequest.Builder promptScored(GenerateRequest.Builder request) {
        return request.setOutput(Output.newBuilder().setPromptLogprobs(PromptLogprobs.newBuilder().setTopN(20)));
    }

    /** Four answers with twenty alternatives to each token. */
    private static GenerateRequest.Builder chatty(GenerateRequest.Builder request) {
        request.getSamplingBuilder().setN(4);
        return request.setOutput(Output.newBuilder().setLogprobs(Logprobs.newBuilder().setTopN(20)));
    }

    /** Requests of the unary call and of the stream have the same fields. */
    private static GenerateStreamRequest streamed(GenerateRequest request) {
        try {
            return GenerateStreamRequest.parseFrom(request.toByteArray());
        } catch (com.google.protobuf.InvalidProtocolBufferException e) {
            throw new AssertionError(e);
        }
    }

    /** @return bytes and tokens of the whole answer */
    private static long[] sizeOf(EngineFixture fixture, GenerateRequest request) {
        long[] sum = new long[2];
        fixture.stub().generateStream(streamed(request)).forEachRemaining(event -> {
            sum[0] += event.getSerializedSize();
            sum[1] += event.getDelta().getTokenIdsCount();
        });
        return sum;
    }

    /** Drawn tokens of clients that don't read, but each one's first. */
    private static long tokensOfSlow(EngineFixture fixture) {
        return fixture.engine.engine().stepLog().steps().stream().flatMap(step -> step.shares().stream())
                .filter(share -> share.request().startsWith(SLOW) && !share.prefill()).mapToInt(StepLog.Share::tokens).sum();
    }

    private static GetLoadResponse load(EngineFixture fixture) {
        return ServerGrpc.newBlockingStub(fixture.channel).getLoad(GetLoadRequest.getDefaultInstance());
    }

    private static void awaitNothingHeld(EngineFixture fixture) throws InterruptedException {
        DoorFixture.await("nothing is held", () -> {
            GetLoadResponse load = load(fixture);
            return load.getKvBlocksUsed() == 0 && load.getRunning() == 0 && load.getWaiting() == 0
                    && fixture.door.holdings().outboundBytes() == 0 && fixture.door.holdings().calls() <= 1;
        });
    }
}
