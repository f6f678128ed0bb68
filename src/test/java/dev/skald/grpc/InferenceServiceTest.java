package dev.skald.grpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.skald.api.v1.ApplyTemplateRequest;
import dev.skald.api.v1.ChatMessage;
import dev.skald.api.v1.ChatRequest;
import dev.skald.api.v1.ChatStreamRequest;
import dev.skald.api.v1.ContentPart;
import dev.skald.api.v1.Continuation;
import dev.skald.api.v1.DetokenizeRequest;
import dev.skald.api.v1.FinishReason;
import dev.skald.api.v1.GenerateRequest;
import dev.skald.api.v1.GenerateResponse;
import dev.skald.api.v1.GenerateStreamRequest;
import dev.skald.api.v1.GenerateStreamResponse;
import dev.skald.api.v1.GenerateStreamResponse.EventCase;
import dev.skald.api.v1.InferenceGrpc;
import dev.skald.api.v1.Logprobs;
import dev.skald.api.v1.Output;
import dev.skald.api.v1.PromptLogprobs;
import dev.skald.api.v1.RequestOptions;
import dev.skald.api.v1.Sampling;
import dev.skald.api.v1.ScoreContinuationsRequest;
import dev.skald.api.v1.Stopping;
import dev.skald.api.v1.TokenIds;
import dev.skald.api.v1.TokenizeRequest;
import dev.skald.service.InferenceRequest;
import dev.skald.service.Prompt;
import io.grpc.ClientCall;
import io.grpc.CallOptions;
import io.grpc.Metadata;
import io.grpc.Status;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What goes in comes out, in the order the API promises. */
class InferenceServiceTest {
    private DoorFixture fixture;

    @BeforeEach
    void open() throws Exception {
        fixture = new DoorFixture();
    }

    @AfterEach
    void close() {
        fixture.close();
    }

    @Test
    void aStreamTellsItsEventsInOrder() {
        List<GenerateStreamResponse> events = new ArrayList<>();
        fixture.stub().generateStream(GenerateStreamRequest.newBuilder()
                .setOptions(RequestOptions.newBuilder().setRequestId("abc-1"))
                .setText("hé")
                .setOutput(Output.newBuilder().setLogprobs(Logprobs.newBuilder().setTopN(1)).setPromptLogprobs(PromptLogprobs.newBuilder().setTopN(1)))
                .build()).forEachRemaining(events::add);
        assertEquals(List.of(EventCase.STARTED, EventCase.PROMPT_SCORED, EventCase.DELTA, EventCase.DELTA, EventCase.FINISHED, EventCase.COMPLETED),
                events.stream().map(GenerateStreamResponse::getEventCase).toList());
        assertEquals("abc-1", events.get(0).getStarted().getRequestId());
        assertEquals(99, events.get(0).getStarted().getSeed());
        assertEquals(2, events.get(0).getStarted().getPromptTokens());
        assertEquals(1, events.get(1).getPromptScored().getTokensCount());
        assertEquals("é", events.get(3).getDelta().getText());
        assertEquals(List.of((int) 'é'), events.get(3).getDelta().getTokenIdsList());
        assertEquals(-2.33f, events.get(3).getDelta().getLogprobs(0).getLogprob(), 1e-6f);
        assertEquals(FinishReason.FINISH_REASON_EOS, events.get(4).getFinished().getReason());
        assertEquals(2, events.get(5).getCompleted().getUsage().getCompletionTokens());
        assertEquals(3_000_000, events.get(5).getCompleted().getTimings().getDecode().getNanos());
    }

    @Test
    void aUnaryAnswerIsTheStreamTakenTogether() {
        GenerateResponse answer = fixture.stub().generate(GenerateRequest.newBuilder()
                .setTokenIds(TokenIds.newBuilder().addIds('a').addIds('b').addIds('c'))
                .setSampling(Sampling.newBuilder().setN(2).setSeed(-5))
                .setStopping(Stopping.newBuilder().setMaxTokens(2))
                .build());
        assertEquals(2, answer.getChoicesCount());
        assertEquals("ab", answer.getChoices(1).getText());
        assertEquals(List.of((int) 'a', (int) 'b'), answer.getChoices(0).getTokenIdsList());
        assertEquals(FinishReason.FINISH_REASON_LENGTH, answer.getChoices(0).getFinished().getReason());
        assertEquals(4, answer.getUsage().getCompletionTokens());
        assertEquals(-5, answer.getSeed());
        assertTrue(answer.getRequestId().startsWith("r-"), answer.getRequestId());
    }

    @Test
    void everyParameterArrives() throws Exception {
        AtomicReference<InferenceRequest> seen = new AtomicReference<>();
        fixture.inference.script = run -> {
            seen.set(run.request);
            ScriptedInference.echo(run);
        };
        fixture.stub().generate(GenerateRequest.newBuilder()
                .setText("x")
                .setOptions(RequestOptions.newBuilder().setPriority(-7)
                        .setQueueTimeout(com.google.protobuf.Duration.newBuilder().setSeconds(2).setNanos(500_000_000))
                        .setCache(dev.skald.api.v1.CacheControl.newBuilder().setBypass(true).setSalt("t1")))
                .setSampling(Sampling.newBuilder().setTemperature(0).setTopK(3).setMinP(0.25f).putLogitBias(5, -1.5f).addAllowedIds(9)
                        .addBannedSequences(TokenIds.newBuilder().addIds(1).addIds(2)))
                .setStopping(Stopping.newBuilder().setMaxTokens(8).setMinTokens(1).addStopStrings("\n\n").addStopTokenIds(12).setIncludeStop(true)
                        .setIgnoreEos(true))
                .setOutput(Output.newBuilder().setLogprobs(Logprobs.newBuilder().setTopN(4))
                        .setPromptLogprobs(PromptLogprobs.newBuilder().setTopN(2).setFrom(1)).setSkipSpecial(false))
                .build());
        InferenceRequest request = seen.get();
        assertEquals(-7, request.priority());
        assertEquals(2500, request.queueTimeout().orElseThrow().toMillis());
        assertTrue(request.cacheBypass());
        assertEquals("t1", request.cacheSalt());
        assertEquals(0f, request.sampling().temperature().orElseThrow());
        assertEquals(OptionalInt.of(3), request.sampling().topK());
        assertTrue(request.sampling().topP().isEmpty(), "unset stays unset");
        assertEquals(0.25f, request.sampling().minP().orElseThrow());
        assertEquals(Map.of(5, -1.5f), request.sampling().logitBias());
        assertEquals(List.of(9), request.sampling().allowedIds());
        assertEquals(List.of(List.of(1, 2)), request.sampling().bannedSequences());
        assertEquals(new InferenceRequest.Stopping(OptionalInt.of(8), 1, List.of("\n\n"), List.of(12), true, true), request.stopping());
        assertEquals(new InferenceRequest.Output(4, 2, 1, false), request.output());
        assertTrue(request.unary());
        assertTrue(request.deadlineNanos().isPresent(), "the call's deadline is the request's");
        long left = request.deadlineNanos().getAsLong() - System.nanoTime();
        assertTrue(left > 0 && left <= TimeUnit.SECONDS.toNanos(20), "nanoseconds left: " + left);
    }

    @Test
    void outputLeavesOutWhatIsNotWanted() {
        GenerateResponse answer = fixture.stub().generate(GenerateRequest.newBuilder()
                .setText("abc").setOutput(Output.newBuilder().setText(false).setTokenIds(false)).build());
        assertEquals("", answer.getChoices(0).getText());
        assertEquals(0, answer.getChoices(0).getTokenIdsCount());
        assertEquals(3, answer.getUsage().getCompletionTokens());
    }

    @Test
    void headersOfAUnaryCallGoOutAtAdmission() throws Exception {
        CountDownLatch go = new CountDownLatch(1);
        fixture.inference.script = run -> {
            run.admit();
            go.await();
            run.start();
            run.finish(0, dev.skald.schedule.FinishReason.EOS);
            run.complete(0);
        };
        CompletableFuture<String> id = new CompletableFuture<>();
        CompletableFuture<Status> end = new CompletableFuture<>();
        var call = fixture.channel().newCall(InferenceGrpc.getGenerateMethod(), CallOptions.DEFAULT);
        call.start(new ClientCall.Listener<>() {
            @Override
            public void onHeaders(Metadata headers) {
                id.complete(headers.get(Errors.REQUEST_ID));
            }

            @Override
            public void onClose(Status status, Metadata trailers) {
                end.complete(status);
            }
        }, new Metadata());
        call.request(2);
        call.sendMessage(GenerateRequest.newBuilder().setText("x").setOptions(RequestOptions.newBuilder().setRequestId("mine")).build());
        call.halfClose();
        assertEquals("mine", id.get(20, TimeUnit.SECONDS));
        assertFalse(end.isDone(), "the answer isn't there yet");
        go.countDown();
        assertTrue(end.get(20, TimeUnit.SECONDS).isOk());
    }

    @Test
    void aConversationIsRendered() throws Exception {
        AtomicReference<Prompt> seen = new AtomicReference<>();
        fixture.inference.script = run -> {
            seen.set(run.request.prompt());
            ScriptedInference.echo(run);
        };
        ChatMessage user = ChatMessage.newBuilder().setRole("user").setName("eve")
                .addContent(ContentPart.newBuilder().setText("a")).addContent(ContentPart.newBuilder().setText("b")).build();
        var answer = fixture.stub().chat(ChatRequest.newBuilder().addMessages(user).setTemplateArgsJson("{\"n\": 3, \"deep\": {\"x\": [1, 2.5, null]}}").build());
        assertTrue(answer.getChoices(0).getMessage().getContent(0).getText().startsWith("<user>ab<assistant>"), answer.toString());
        assertEquals("assistant", answer.getChoices(0).getMessage().getRole());
        Prompt.Chat chat = (Prompt.Chat) seen.get();
        assertEquals("eve", chat.messages().getFirst().name().orElseThrow());
        assertEquals(3, chat.templateArgs().get("n"), "integers stay integers");

        StringBuilder text = new StringBuilder();
        fixture.stub().chatStream(ChatStreamRequest.newBuilder().addMessages(user).build())
                .forEachRemaining(event -> text.append(event.getDelta().getText()));
        assertEquals("<user>ab<assistant>", text.toString());
    }

    @Test
    void continuationsAreScored() {
        var response = fixture.stub().scoreContinuations(ScoreContinuationsRequest.newBuilder()
                .setText("it is ")
                .addContinuations(Continuation.newBuilder().setText("ab"))
                .addContinuations(Continuation.newBuilder().setText("b"))
                .build());
        assertEquals(2, response.getScoresCount());
        assertEquals(-('a' + 'b') / 100.0, response.getScores(0).getSumLogprob(), 1e-5);
        assertEquals(1, response.getScores(1).getTokensCount());
        assertEquals(1, response.getScores(0).getProbability() + response.getScores(1).getProbability(), 1e-12);
        assertTrue(response.getScores(1).getProbability() > response.getScores(0).getProbability());
        assertFalse(response.getRequestId().isEmpty());
    }

    @Test
    void textAndIdsGoBothWays() {
        var stub = fixture.stub();
        assertEquals(List.of(1, (int) 'h', (int) 'i'), stub.tokenize(TokenizeRequest.newBuilder().setText("hi").build()).getTokenIdsList());
        assertEquals(List.of("h", "i"), stub.tokenize(TokenizeRequest.newBuilder().setText("hi").setAddSpecial(false).build()).getPiecesList());
        assertEquals("hi", stub.detokenize(DetokenizeRequest.newBuilder().addTokenIds(1).addTokenIds('h').addTokenIds('i').build()).getText());
        var prompt = stub.applyTemplate(ApplyTemplateRequest.newBuilder()
                .addMessages(ChatMessage.newBuilder().setRole("assistant").addContent(ContentPart.newBuilder().setText("so")))
                .setContinueFinal(true).build());
        assertEquals("<assistant>so", prompt.getPrompt());
        assertNotNull(stub);
    }

    @Test
    void aLongScoredPromptComesInPieces() {
        int tokens = StreamResponses.PROMPT_TOKENS_PER_EVENT * 2 + 10;
        List<GenerateStreamResponse> events = new ArrayList<>();
        fixture.stub().generateStream(GenerateStreamRequest.newBuilder()
                .setText("p".repeat(tokens + 1)).setStopping(Stopping.newBuilder().setMaxTokens(0))
                .setOutput(Output.newBuilder().setPromptLogprobs(PromptLogprobs.newBuilder().setTopN(1)))
                .build()).forEachRemaining(events::add);
        List<Integer> pieces = events.stream().filter(GenerateStreamResponse::hasPromptScored).map(e -> e.getPromptScored().getTokensCount()).toList();
        assertEquals(List.of(256, 256, 10), pieces);
    }
}
