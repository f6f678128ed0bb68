package dev.skald.grpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Any;
import com.google.rpc.RetryInfo;
import dev.skald.api.v1.GenerateRequest;
import dev.skald.api.v1.GenerateStreamRequest;
import dev.skald.api.v1.InferenceGrpc;
import dev.skald.api.v1.Logprobs;
import dev.skald.api.v1.Output;
import dev.skald.api.v1.RequestOptions;
import dev.skald.api.v1.Sampling;
import dev.skald.api.v1.TokenizeRequest;
import dev.skald.api.v1.Usage;
import dev.skald.service.InferenceException;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Failures, deadlines and clients that go away. */
class StatusTest {
    private DoorFixture fixture;

    @BeforeEach
    void open() throws Exception {
        fixture = new DoorFixture();
    }

    @AfterEach
    void close() {
        fixture.close();
    }

    @ParameterizedTest
    @EnumSource(InferenceException.Kind.class)
    void eachKindHasItsStatus(InferenceException.Kind kind) {
        failWith(new InferenceException(kind, "WHY_NOT", "", "because", Optional.empty()));
        StatusRuntimeException e = assertThrows(StatusRuntimeException.class, () -> fixture.stub().generate(hello()));
        assertEquals(Status.Code.valueOf(kind.name()), e.getStatus().getCode());
        assertEquals("because", e.getStatus().getDescription());
    }

    @Test
    void overloadTellsWhenToComeBack() throws Exception {
        failWith(new InferenceException(InferenceException.Kind.RESOURCE_EXHAUSTED, "OVERLOADED", "", "the queue is full", Optional.of(Duration.ofMillis(1500))));
        StatusRuntimeException e = assertThrows(StatusRuntimeException.class, () -> fixture.stub().generate(hello()));
        assertEquals("1500", e.getTrailers().get(Errors.PUSHBACK_MS));
        assertEquals("hello-1", e.getTrailers().get(Errors.REQUEST_ID));
        RetryInfo retry = detail(e, RetryInfo.class);
        assertEquals(1, retry.getRetryDelay().getSeconds());
        assertEquals(500_000_000, retry.getRetryDelay().getNanos());
    }

    @Test
    void aFailureTellsTheUsageSoFar() throws Exception {
        fixture.inference.script = run -> {
            run.admit();
            run.start();
            run.delta(0, "ab");
            run.fail(new InferenceException(InferenceException.Kind.INTERNAL, "ENGINE_FAULT", "", "a NaN", Optional.empty()), 2);
        };
        StringBuilder text = new StringBuilder();
        StatusRuntimeException e = assertThrows(StatusRuntimeException.class, () -> fixture.stub()
                .generateStream(GenerateStreamRequest.newBuilder().setText("xyz").build())
                .forEachRemaining(event -> text.append(event.getDelta().getText())));
        assertEquals("ab", text.toString(), "what was there is delivered");
        assertEquals(Status.Code.INTERNAL, e.getStatus().getCode());
        assertEquals(Usage.newBuilder().setPromptTokens(3).setCompletionTokens(2).build(), detail(e, Usage.class));
    }

    @Test
    void aFaultOfOursTellsNoTrace() {
        fixture.inference.script = run -> {
            run.admit();
            run.complete(0); // without Started: a broken promise of the service
        };
        StatusRuntimeException e = assertThrows(StatusRuntimeException.class, () -> fixture.stub().generate(hello()));
        assertEquals(Status.Code.INTERNAL, e.getStatus().getCode());
        assertEquals("the server failed; its log says why", e.getStatus().getDescription());
    }

    @Test
    void aPassedDeadlineCancelsTheRequest() throws Exception {
        AtomicReference<ScriptedInference.Run> run = hang();
        StatusRuntimeException e = assertThrows(StatusRuntimeException.class, () -> InferenceGrpc.newBlockingStub(fixture.channel())
                .withDeadlineAfter(300, TimeUnit.MILLISECONDS).generate(hello()));
        assertEquals(Status.Code.DEADLINE_EXCEEDED, e.getStatus().getCode());
        run.get().awaitCancelled();
    }

    @Test
    void aCancelledStreamCancelsTheRequest() throws Exception {
        AtomicReference<ScriptedInference.Run> run = hang();
        DoorFixture.ManualStream stream = new DoorFixture.ManualStream();
        InferenceGrpc.newStub(fixture.channel()).generateStream(GenerateStreamRequest.newBuilder().setText("x").build(), stream);
        assertTrue(stream.next().hasStarted());
        stream.call.cancel("enough", null);
        run.get().awaitCancelled();
        DoorFixture.await("the call is over", () -> fixture.door.holdings().calls() == 0);
    }

    @Test
    void aDroppedConnectionCancelsItsRequests() throws Exception {
        AtomicReference<ScriptedInference.Run> run = hang();
        try (RawHttp2 client = RawHttp2.connect(fixture.door.port())) {
            client.startGenerateStream(1, "x");
            client.await(frame -> frame.type() == RawHttp2.DATA && frame.stream() == 1);
        }
        run.get().awaitCancelled();
        DoorFixture.await("the call is over", () -> fixture.door.holdings().calls() == 0);
        DoorFixture.await("the connection is over", () -> fixture.door.openConnections() == 0);
    }

    @Test
    void scoringStopsWithItsClient() throws Exception {
        AtomicReference<ScriptedInference.Run> run = hang();
        assertThrows(StatusRuntimeException.class, () -> InferenceGrpc.newBlockingStub(fixture.channel())
                .withDeadlineAfter(300, TimeUnit.MILLISECONDS).scoreContinuations(dev.skald.api.v1.ScoreContinuationsRequest.newBuilder().setText("a")
                        .addContinuations(dev.skald.api.v1.Continuation.newBuilder().setText("b")).build()));
        run.get().awaitCancelled();
    }

    @Test
    void anAnswerTooLargeIsRefused() {
        fixture.inference.script = run -> {
            run.admit();
            run.start();
            for (int i = 0; i < 10_000 && !run.isCancelled(); i++) run.delta(0, "0123456789".repeat(100));
            run.finish(0, dev.skald.schedule.FinishReason.EOS);
            run.complete(10_000);
        };
        StatusRuntimeException e = assertThrows(StatusRuntimeException.class, () -> fixture.stub().generate(hello()));
        assertEquals(Status.Code.RESOURCE_EXHAUSTED, e.getStatus().getCode());
        assertTrue(e.getStatus().getDescription().contains("stream"), e.getMessage());
    }

    @Test
    void aTokenizedAnswerTooLargeIsRefused() {
        StatusRuntimeException e = assertThrows(StatusRuntimeException.class,
                () -> fixture.stub().tokenize(TokenizeRequest.newBuilder().setText("x".repeat(3 << 20)).build()));
        assertEquals(Status.Code.RESOURCE_EXHAUSTED, e.getStatus().getCode());
    }

    @Test
    void beforeTheModelIsThereWorkIsUnavailable() throws Exception {
        try (Door door = Door.open(DoorConfig.loopback())) {
            var channel = io.grpc.netty.NettyChannelBuilder.forAddress("127.0.0.1", door.port()).usePlaintext().build();
            StatusRuntimeException e = assertThrows(StatusRuntimeException.class, () -> InferenceGrpc.newBlockingStub(channel).generate(hello()));
            assertEquals(Status.Code.UNAVAILABLE, e.getStatus().getCode());
            assertEquals("the model is loading", e.getStatus().getDescription());
            assertEquals("1000", e.getTrailers().get(Errors.PUSHBACK_MS));
            channel.shutdownNow();
        }
    }

    @Test
    void aPortInUseIsOneSentence() {
        DoorConfig same = new DoorConfig("127.0.0.1", fixture.door.port(), java.util.OptionalInt.empty(), Optional.empty(), DoorLimits.DEFAULT, false, false);
        java.io.IOException e = assertThrows(java.io.IOException.class, () -> Door.open(same));
        assertTrue(e.getMessage().startsWith("cannot listen on 127.0.0.1:" + fixture.door.port() + ": "), e.getMessage());
    }

    @Test
    void theLogLineTellsCountsAndNoPrompt() throws Exception {
        java.util.List<String> lines = new java.util.concurrent.CopyOnWriteArrayList<>();
        var logger = java.util.logging.Logger.getLogger(CallGuard.LOG_NAME);
        var handler = new java.util.logging.Handler() {
            @Override
            public void publish(java.util.logging.LogRecord line) {
                lines.add(line.getMessage());
            }

            @Override
            public void flush() {}

            @Override
            public void close() {}
        };
        var level = logger.getLevel();
        logger.setLevel(java.util.logging.Level.INFO);
        logger.addHandler(handler);
        try {
            fixture.stub().generate(GenerateRequest.newBuilder().setText("secret").setOptions(RequestOptions.newBuilder().setRequestId("log-1"))
                    .setSampling(Sampling.newBuilder().setN(1)).setOutput(Output.newBuilder().setLogprobs(Logprobs.newBuilder())).build());
            DoorFixture.await("the line", () -> !lines.isEmpty());
        } finally {
            logger.removeHandler(handler);
            logger.setLevel(level);
        }
        assertTrue(lines.getFirst().matches("Generate id=log-1 status=OK prompt=6 cached=0 generated=6 queue_ms=1 prefill_ms=2 decode_ms=3 "
                + "preemptions=0 total_ms=\\d+ peer=/127.0.0.1:\\d+"), lines.getFirst());
    }

    private AtomicReference<ScriptedInference.Run> hang() {
        AtomicReference<ScriptedInference.Run> seen = new AtomicReference<>();
        fixture.inference.script = run -> {
            seen.set(run);
            run.admit();
            run.start();
            run.awaitCancelled();
        };
        return seen;
    }

    private void failWith(InferenceException failure) {
        fixture.inference.script = run -> run.fail(failure, 0);
    }

    private static GenerateRequest hello() {
        return GenerateRequest.newBuilder().setText("hello").setOptions(RequestOptions.newBuilder().setRequestId("hello-1")).build();
    }

    private static <M extends com.google.protobuf.Message> M detail(StatusRuntimeException e, Class<M> type) throws Exception {
        for (Any detail : StatusProto.fromThrowable(e).getDetailsList()) {
            if (detail.is(type)) return detail.unpack(type);
        }
        assertNotNull(null, "no " + type.getSimpleName() + " in " + e);
        throw new AssertionError();
    }
}
