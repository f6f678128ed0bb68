package dev.skald.grpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.common.util.concurrent.ListenableFuture;
import com.google.rpc.RetryInfo;
import dev.skald.api.v1.CacheControl;
import dev.skald.api.v1.ChatMessage;
import dev.skald.api.v1.ChatRequest;
import dev.skald.api.v1.ContentPart;
import dev.skald.api.v1.Continuation;
import dev.skald.api.v1.GenerateRequest;
import dev.skald.api.v1.GenerateResponse;
import dev.skald.api.v1.InferenceGrpc;
import dev.skald.api.v1.Logprobs;
import dev.skald.api.v1.Output;
import dev.skald.api.v1.RequestOptions;
import dev.skald.api.v1.Sampling;
import dev.skald.api.v1.ScoreContinuationsRequest;
import dev.skald.api.v1.Stopping;
import dev.skald.api.v1.TokenIds;
import dev.skald.boot.TinyFolder;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.protobuf.StatusProto;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The limits behind the door, at ten times their size, before a real engine: a status, bounded heap, and others are served. */
@Timeout(120)
class EngineFloodTest {
    private static final int TIMES = 10;
    private static final long HEAP_SLACK = 48 << 20;
    private static final Duration LONG = Duration.ofSeconds(100);
    private static final int QUEUE = 64;

    @TempDir
    Path folder;

    private EngineFixture open(Runnable beforeStep) throws Exception {
        return new EngineFixture(folder, EngineFixture.limits(4, 64, LONG, LONG), 64, DoorLimits.DEFAULT, operation -> {
            if (operation.equals("embed")) beforeStep.run();
        });
    }

    @Test
    void moreRequestsThanMayWaitAndMoreTokensThanTheCacheHolds() throws Exception {
        CountDownLatch go = new CountDownLatch(1);
        boolean[] hold = {false};
        try (EngineFixture fixture = open(() -> {
            if (hold[0]) awaitQuietly(go);
        })) {
            List<ManagedChannel> channels = new ArrayList<>();
            List<ListenableFuture<GenerateResponse>> answers = new ArrayList<>();
            long before = Memory.liveBytes();
            hold[0] = true;
            try {
                for (int i = 0; i < TIMES * QUEUE; i++) {
                    if (i % 200 == 0) channels.add(NettyChannelBuilder.forAddress("127.0.0.1", fixture.door.port()).usePlaintext().build());
                    // All together they want many times the 64 blocks of the cache. No deadline: after a step held up for so long it would be
                    // predicted to pass.
                    answers.add(InferenceGrpc.newFutureStub(channels.getLast()).generate(EngineFixture.request(i, 100, 2).build()));
                }
                DoorFixture.await("all have been queued or refused", () -> fixture.door.holdings().calls() <= QUEUE + 4
                        && answers.stream().filter(ListenableFuture::isDone).count() >= TIMES * QUEUE - QUEUE - 4);
                assertTrue(Memory.liveBytes() - before < HEAP_SLACK, "the heap grew");
                go.countDown();
                int answered = 0;
                for (ListenableFuture<GenerateResponse> answer : answers) {
                    try {
                        assertEquals(2, answer.get(100, TimeUnit.SECONDS).getUsage().getCompletionTokens());
                        answered++;
                    } catch (ExecutionException e) {
                        Status status = Status.fromThrowable(e.getCause());
                        assertEquals(Status.Code.RESOURCE_EXHAUSTED, status.getCode(), status.toString());
                        assertTrue(StatusProto.fromThrowable(e.getCause()).getDetailsList().stream().anyMatch(d -> d.is(RetryInfo.class)));
                    }
                }
                assertTrue(answered >= QUEUE && answered <= QUEUE + 4, answered + " were answered");
            } finally {
                channels.forEach(ManagedChannel::shutdownNow);
            }
        }
    }

    @Test
    void fieldsTenTimesLongerThanTheyMayBe() throws Exception {
        try (EngineFixture fixture = open(() -> {})) {
            Map<String, GenerateRequest.Builder> floods = new LinkedHashMap<>();
            floods.put("token_ids", ids(TIMES * TinyFolder.CONTEXT));
            floods.put("text", GenerateRequest.newBuilder().setText("word ".repeat(TIMES * TinyFolder.CONTEXT)));
            floods.put("options.request_id", ids(1).setOptions(RequestOptions.newBuilder().setRequestId("x".repeat(TIMES * 128))));
            floods.put("options.cache.salt", ids(1).setOptions(RequestOptions.newBuilder().setCache(CacheControl.newBuilder().setSalt("x".repeat(TIMES * 256)))));
            floods.put("sampling.n", ids(1).setSampling(Sampling.newBuilder().setN(TIMES * 128)));
            Sampling.Builder biased = Sampling.newBuilder();
            for (int i = 0; i < TIMES * 1024; i++) biased.putLogitBias(i, 1);
            floods.put("sampling.logit_bias", ids(1).setSampling(biased));
            floods.put("sampling.allowed_ids", ids(1).setSampling(Sampling.newBuilder().addAllAllowedIds(Collections.nCopies(TIMES * 65_536, 7))));
            floods.put("sampling.banned_sequences", ids(1).setSampling(Sampling.newBuilder().addAllBannedSequences(
                    Collections.nCopies(TIMES * 256, TokenIds.newBuilder().addIds(7).build()))));
            floods.put("sampling.banned_sequences entry", ids(1).setSampling(Sampling.newBuilder().addBannedSequences(
                    TokenIds.newBuilder().addAllIds(Collections.nCopies(TIMES * 32, 7)))));
            floods.put("stopping.stop_strings", ids(1).setStopping(Stopping.newBuilder().addAllStopStrings(Collections.nCopies(TIMES * 16, "x"))));
            floods.put("stopping.stop_strings[0]", ids(1).setStopping(Stopping.newBuilder().addStopStrings("x".repeat(TIMES * 256))));
            floods.put("stopping.stop_token_ids", ids(1).setStopping(Stopping.newBuilder().addAllStopTokenIds(Collections.nCopies(TIMES * 64, 7))));
            floods.put("output.logprobs.top_n", ids(1).setOutput(Output.newBuilder().setLogprobs(Logprobs.newBuilder().setTopN(TIMES * 20))));
            long before = Memory.liveBytes();
            floods.forEach((field, request) -> refused(field, () -> fixture.stub().generate(request.build())));
            refused("continuations", () -> fixture.stub().scoreContinuations(ScoreContinuationsRequest.newBuilder()
                    .setText("a")
                    .addAllContinuations(Collections.nCopies(TIMES * 256, Continuation.newBuilder().setText("b").build()))
                    .build()));
            assertTrue(Memory.liveBytes() - before < HEAP_SLACK, "the heap grew");
            assertEquals(2, fixture.stub().generate(EngineFixture.request(1, 20, 2).build()).getUsage().getCompletionTokens());
        }
    }

    @Test
    void conversationsManyTimesLongerThanTheContext() throws Exception {
        try (EngineFixture fixture = open(() -> {})) {
            ChatMessage small = ChatMessage.newBuilder().setRole("u").addContent(ContentPart.newBuilder().setText("x")).build();
            ChatRequest many = ChatRequest.newBuilder().addAllMessages(Collections.nCopies((1 << 20) / (small.getSerializedSize() + 2), small)).build();
            ChatRequest long1 = ChatRequest.newBuilder()
                    .addMessages(ChatMessage.newBuilder().setRole("u").addContent(ContentPart.newBuilder().setText("x".repeat(1 << 20))))
                    .build();
            long before = Memory.liveBytes();
            for (ChatRequest request : List.of(many, long1)) {
                StatusRuntimeException e = assertThrows(StatusRuntimeException.class, () -> fixture.stub().chat(request));
                assertEquals(Status.Code.INVALID_ARGUMENT, e.getStatus().getCode(), e.getMessage());
            }
            assertTrue(Memory.liveBytes() - before < HEAP_SLACK, "the heap grew");
            assertEquals(2, fixture.stub().generate(EngineFixture.request(1, 20, 2).build()).getUsage().getCompletionTokens());
        }
    }

    private static void refused(String field, Runnable call) {
        StatusRuntimeException e = assertThrows(StatusRuntimeException.class, call::run, field);
        assertEquals(Status.Code.INVALID_ARGUMENT, e.getStatus().getCode(), field + ": " + e.getMessage());
    }

    private static GenerateRequest.Builder ids(int count) {
        return GenerateRequest.newBuilder().setTokenIds(TokenIds.newBuilder().addAllIds(Collections.nCopies(count, 60)));
    }

    private static void awaitQuietly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
