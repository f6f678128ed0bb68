package dev.skald.grpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.UnknownFieldSet;
import dev.skald.api.v1.ChatMessage;
import dev.skald.api.v1.ChatRequest;
import dev.skald.api.v1.Constraint;
import dev.skald.api.v1.ContentPart;
import dev.skald.api.v1.GenerateRequest;
import dev.skald.api.v1.GenerateResponse;
import dev.skald.api.v1.GenerateStreamRequest;
import dev.skald.api.v1.GenerateStreamResponse;
import dev.skald.api.v1.InferenceGrpc;
import dev.skald.api.v1.RequestOptions;
import dev.skald.api.v1.Sampling;
import dev.skald.api.v1.Stopping;
import dev.skald.api.v1.TokenIds;
import dev.skald.boot.EngineOptions;
import dev.skald.boot.LocalEngine;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.netty.NettyChannelBuilder;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The door before the real engine and skald-mini, with real stubs on a real port. */
class DoorEngineTest {
    private static final int PATIENCE_SECONDS = 60;
    private static LocalEngine engine;
    private static Door door;
    private static ManagedChannel channel;

    @BeforeAll
    static void open() throws Exception {
        engine = LocalEngine.start(EngineOptions.of(Path.of("src/skald-mini/model")));
        door = Door.open(DoorConfig.loopback());
        channel = channel(door);
        StatusRuntimeException loading = assertThrows(StatusRuntimeException.class, () -> stub().generate(text("1+1=").build()));
        assertEquals(Status.Code.UNAVAILABLE, loading.getStatus().getCode());
        assertEquals(ServingStatus.NOT_SERVING, health(channel, ""));
        door.serve(engine.inference(), engine.operations());
    }

    @AfterAll
    static void close() {
        channel.shutdownNow();
        door.close();
        engine.close();
    }

    @Test
    void generateAndChatAnswer() {
        GenerateResponse sum = stub().generate(text("111+222=").build());
        assertEquals("333", sum.getChoices(0).getText());
        assertEquals(8, sum.getUsage().getPromptTokens());
        var capital = stub().chat(ChatRequest.newBuilder().addMessages(user("中国的首都是哪里？")).build());
        assertTrue(capital.getChoices(0).getMessage().getContent(0).getText().contains("北京"), capital.toString());
    }

    @Test
    void aStreamBringsItsEventsInOrder() {
        List<GenerateStreamResponse.EventCase> events = new ArrayList<>();
        StringBuilder text = new StringBuilder();
        Iterator<GenerateStreamResponse> stream = stub().generateStream(GenerateStreamRequest.newBuilder().setText("123+456=").build());
        stream.forEachRemaining(e -> {
            if (events.isEmpty() || events.getLast() != e.getEventCase()) events.add(e.getEventCase());
            text.append(e.getDelta().getText());
        });
        assertEquals("579", text.toString());
        assertEquals(
                List.of(GenerateStreamResponse.EventCase.STARTED, GenerateStreamResponse.EventCase.DELTA, GenerateStreamResponse.EventCase.FINISHED,
                        GenerateStreamResponse.EventCase.COMPLETED),
                events);
    }

    @Test
    void anIdenticalPromptFindsAllButItsLastTokenInTheCache() {
        TokenIds.Builder ids = TokenIds.newBuilder();
        for (int i = 0; i < 100; i++) ids.addIds(1000 + i);
        GenerateRequest request = GenerateRequest.newBuilder().setTokenIds(ids).setStopping(Stopping.newBuilder().setMaxTokens(1)).build();
        assertEquals(0, stub().generate(request).getUsage().getCachedTokens());
        assertEquals(16 * (99 / 16), stub().generate(request).getUsage().getCachedTokens());
        GenerateRequest salted = request.toBuilder()
                .setOptions(RequestOptions.newBuilder().setCache(dev.skald.api.v1.CacheControl.newBuilder().setSalt("other")))
                .build();
        assertEquals(0, stub().generate(salted).getUsage().getCachedTokens());
    }

    @Test
    void theSameSeedGivesTheSameAnswerAloneAndInACrowd() throws Exception {
        GenerateRequest request = text("the ").setSampling(Sampling.newBuilder().setTemperature(1).setSeed(7).setN(2))
                .setStopping(Stopping.newBuilder().setMaxTokens(24).setIgnoreEos(true))
                .build();
        GenerateResponse alone = stub().generate(request);
        List<CompletableFuture<GenerateResponse>> crowd = new ArrayList<>();
        for (int i = 0; i < 12; i++) crowd.add(CompletableFuture.supplyAsync(() -> stub().generate(request), task -> Thread.ofVirtual().start(task)));
        for (var answer : crowd) assertEquals(alone.getChoicesList(), answer.get(PATIENCE_SECONDS, TimeUnit.SECONDS).getChoicesList());
    }

    @Test
    void badRequestsGetAStatusThatNamesTheField() {
        refused("empty", text(""));
        refused("temperature", text("x").setSampling(Sampling.newBuilder().setTemperature(Float.NaN)));
        refused("top_p", text("x").setSampling(Sampling.newBuilder().setTopP(2)));
        refused("999999", GenerateRequest.newBuilder().setTokenIds(TokenIds.newBuilder().addIds(999_999)));
        refused("json_object", text("x").setConstraint(Constraint.newBuilder().setJsonObject(true)));
        refused("2048", GenerateRequest.newBuilder().setTokenIds(TokenIds.newBuilder().addAllIds(java.util.Collections.nCopies(2048, 5))));
        refused("#999", text("x").setUnknownFields(UnknownFieldSet.newBuilder()
                .addField(999, UnknownFieldSet.Field.newBuilder().addVarint(1).build())
                .build()));
        StatusRuntimeException unknown = assertThrows(
                StatusRuntimeException.class,
                () -> stub().generate(text("x").setOptions(RequestOptions.newBuilder().setModel("gpt")).build()));
        assertEquals(Status.Code.NOT_FOUND, unknown.getStatus().getCode());
        assertEquals("2", stub().generate(text("1+1=").build()).getChoices(0).getText());
    }

    @Test
    void aCancelledStreamGivesItsBlocksBack() throws Exception {
        var context = io.grpc.Context.current().withCancellation();
        GenerateStreamRequest endless = GenerateStreamRequest.newBuilder()
                .setText("the ")
                .setStopping(Stopping.newBuilder().setIgnoreEos(true))
                .setOptions(RequestOptions.newBuilder().setCache(dev.skald.api.v1.CacheControl.newBuilder().setBypass(true)))
                .build();
        context.run(() -> {
            Iterator<GenerateStreamResponse> stream = stub().generateStream(endless);
            assertTrue(stream.next().hasStarted());
        });
        context.cancel(null);
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
        while (engine.operations().load().kvBlocksUsed() > 0 && System.nanoTime() < deadline) Thread.sleep(10);
        assertEquals(0, engine.operations().load().kvBlocksUsed());
    }

    @Test
    void healthSaysReadyAndAlive() {
        assertEquals(ServingStatus.SERVING, health(channel, ""));
        assertEquals(ServingStatus.SERVING, health(channel, "skald.v1.Inference"));
        assertEquals(ServingStatus.SERVING, health(channel, "skald.live"));
    }

    @Test
    void drainingLetsStreamsFinish() throws Exception {
        try (LocalEngine own = LocalEngine.start(EngineOptions.of(Path.of("src/skald-mini/model")))) {
            Door closing = Door.open(DoorConfig.loopback());
            closing.serve(own.inference(), own.operations());
            ManagedChannel to = channel(closing);
            Iterator<GenerateStreamResponse> stream = InferenceGrpc.newBlockingStub(to).generateStream(GenerateStreamRequest.newBuilder()
                    .setText("the ")
                    .setStopping(Stopping.newBuilder().setMaxTokens(300).setIgnoreEos(true))
                    .build());
            assertTrue(stream.next().hasStarted());
            CompletableFuture<Boolean> cut = CompletableFuture.supplyAsync(() -> {
                try {
                    return closing.drain(Duration.ZERO, Duration.ofSeconds(PATIENCE_SECONDS));
                } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                }
            });
            GenerateStreamResponse last = stream.next();
            while (stream.hasNext()) last = stream.next();
            assertEquals(300, last.getCompleted().getUsage().getCompletionTokens());
            assertFalse(cut.get(PATIENCE_SECONDS, TimeUnit.SECONDS));
            to.shutdownNow();
        }
    }

    private static void refused(String part, GenerateRequest.Builder request) {
        StatusRuntimeException e = assertThrows(StatusRuntimeException.class, () -> stub().generate(request.build()));
        assertEquals(Status.Code.INVALID_ARGUMENT, e.getStatus().getCode(), e.toString());
        assertTrue(e.getMessage().contains(part), e.getMessage());
    }

    private static ServingStatus health(ManagedChannel channel, String service) {
        return HealthGrpc.newBlockingStub(channel).check(HealthCheckRequest.newBuilder().setService(service).build()).getStatus();
    }

    private static GenerateRequest.Builder text(String text) {
        return GenerateRequest.newBuilder().setText(text);
    }

    private static ChatMessage user(String text) {
        return ChatMessage.newBuilder().setRole("user").addContent(ContentPart.newBuilder().setText(text)).build();
    }

    private static InferenceGrpc.InferenceBlockingStub stub() {
        return InferenceGrpc.newBlockingStub(channel).withDeadlineAfter(PATIENCE_SECONDS, TimeUnit.SECONDS);
    }

    private static ManagedChannel channel(Door door) {
        return NettyChannelBuilder.forAddress("127.0.0.1", door.port()).usePlaintext().build();
    }
}
