package dev.skald.grpc;

import dev.skald.api.v1.ApplyTemplateRequest;
import dev.skald.api.v1.ApplyTemplateResponse;
import dev.skald.api.v1.ChatRequest;
import dev.skald.api.v1.ChatResponse;
import dev.skald.api.v1.ChatStreamRequest;
import dev.skald.api.v1.ChatStreamResponse;
import dev.skald.api.v1.DetokenizeRequest;
import dev.skald.api.v1.DetokenizeResponse;
import dev.skald.api.v1.GenerateRequest;
import dev.skald.api.v1.GenerateResponse;
import dev.skald.api.v1.GenerateStreamRequest;
import dev.skald.api.v1.GenerateStreamResponse;
import dev.skald.api.v1.InferenceGrpc;
import dev.skald.api.v1.RequestOptions;
import dev.skald.api.v1.ScoreContinuationsRequest;
import dev.skald.api.v1.ScoreContinuationsResponse;
import dev.skald.api.v1.TokenizeRequest;
import dev.skald.api.v1.TokenizeResponse;
import dev.skald.service.ContinuationScorer;
import dev.skald.service.Inference;
import dev.skald.service.InferenceCall;
import dev.skald.service.InferenceException;
import dev.skald.service.InferenceRequest;
import dev.skald.service.Prompt;
import dev.skald.service.ScoreEvent;
import dev.skald.service.ScoreRequest;
import io.grpc.Context;
import io.grpc.Deadline;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.Supplier;

/** The Inference service. Its methods run on virtual threads, inside a {@link DoorCall}. */
final class InferenceService extends InferenceGrpc.InferenceImplBase {
    private static final int MAX_LOGGED_PROMPT_CHARS = 500;

    private final Supplier<Backend> backend;
    private final DoorLimits limits;
    private final boolean logPrompts;
    private final ContinuationScorer scorer;

    /** @param backend present whenever {@link CallGuard} lets a call through */
    InferenceService(Supplier<Backend> backend, DoorLimits limits, boolean logPrompts, ContinuationScorer scorer) {
        this.backend = backend;
        this.limits = limits;
        this.logPrompts = logPrompts;
        this.scorer = scorer;
    }

    @Override
    public void generate(GenerateRequest request, StreamObserver<GenerateResponse> out) {
        whole(request.getOptions(), out, (requests, id) -> requests.generate(request, id, deadline()),
                answer -> WholeResponses.generate(answer, OutputShape.of(request.getOutput())));
    }

    @Override
    public void generateStream(GenerateStreamRequest request, StreamObserver<GenerateStreamResponse> out) {
        stream(request.getOptions(), out, (requests, id) -> requests.generate(request, id, deadline()),
                StreamResponses.generate(OutputShape.of(request.getOutput())));
    }

    @Override
    public void chat(ChatRequest request, StreamObserver<ChatResponse> out) {
        whole(request.getOptions(), out, (requests, id) -> requests.chat(request, id, deadline()),
                answer -> WholeResponses.chat(answer, OutputShape.of(request.getOutput())));
    }

    @Override
    public void chatStream(ChatStreamRequest request, StreamObserver<ChatStreamResponse> out) {
        stream(request.getOptions(), out, (requests, id) -> requests.chat(request, id, deadline()),
                StreamResponses.chat(OutputShape.of(request.getOutput())));
    }

    @Override
    public void scoreContinuations(ScoreContinuationsRequest request, StreamObserver<ScoreContinuationsResponse> out) {
        DoorCall<?, ScoreContinuationsResponse> call = current();
        attempt(call, () -> {
            Inference inference = backend.get().inference();
            String id = identify(call, request.getOptions());
            ScoreRequest translated = new Requests(inference.model()).score(request, id, deadline());
            logPrompt(call, translated.prompt());
            InferenceCall running = scorer.start(inference, translated, event -> onScore(call, id, event));
            ((ServerCallStreamObserver<?>) out).setOnCancelHandler(running::cancel);
            call.onRefusal(running::cancel);
        });
    }

    private static void onScore(DoorCall<?, ScoreContinuationsResponse> call, String id, ScoreEvent event) {
        switch (event) {
            case ScoreEvent.Admitted a -> call.admitted();
            case ScoreEvent.Failed failed -> call.fail(failed.cause(), failed.usage());
            case ScoreEvent.Scored scored -> {
                call.account(scored.usage(), Optional.empty());
                call.sendWhole(WholeResponses.scores(id, scored));
            }
        }
    }

    @Override
    public void tokenize(TokenizeRequest request, StreamObserver<TokenizeResponse> out) {
        DoorCall<?, TokenizeResponse> call = current();
        attempt(call, () -> {
            Inference inference = backend.get().inference();
            new Requests(inference.model()).checkModel(request.getModel(), "model");
            var tokens = inference.tokenize(request.getText(), !request.hasAddSpecial() || request.getAddSpecial());
            call.sendWhole(TokenizeResponse.newBuilder().addAllTokenIds(tokens.ids()).addAllPieces(tokens.pieces()).build());
        });
    }

    @Override
    public void detokenize(DetokenizeRequest request, StreamObserver<DetokenizeResponse> out) {
        DoorCall<?, DetokenizeResponse> call = current();
        attempt(call, () -> {
            Inference inference = backend.get().inference();
            Requests requests = new Requests(inference.model());
            requests.checkModel(request.getModel(), "model");
            requests.checkIds("token_ids", request.getTokenIdsList());
            String text = inference.detokenize(request.getTokenIdsList(), !request.hasSkipSpecial() || request.getSkipSpecial());
            call.sendWhole(DetokenizeResponse.newBuilder().setText(text).build());
        });
    }

    @Override
    public void applyTemplate(ApplyTemplateRequest request, StreamObserver<ApplyTemplateResponse> out) {
        DoorCall<?, ApplyTemplateResponse> call = current();
        attempt(call, () -> {
            Inference inference = backend.get().inference();
            new Requests(inference.model()).checkModel(request.getModel(), "model");
            ChatPrompts.refuseTools(request.getToolsCount(), false);
            Prompt.Chat chat = ChatPrompts.prompt(request.getMessagesList(), request.getTemplateArgsJson(), request.getContinueFinal());
            call.sendWhole(ApplyTemplateResponse.newBuilder().setPrompt(inference.applyTemplate(chat)).build());
        });
    }

    private interface Translation {
        InferenceRequest translate(Requests requests, String id);
    }

    private <R> void whole(RequestOptions options, StreamObserver<R> out, Translation translation, Function<Answer, R> projection) {
        DoorCall<?, R> call = current();
        attempt(call, () -> {
            Inference inference = backend.get().inference();
            InferenceRequest request = translation.translate(new Requests(inference.model()), identify(call, options));
            logPrompt(call, request.prompt());
            WholeAnswer.run((ServerCallStreamObserver<R>) out, call, inference, request, limits.maxMessageBytes(), projection);
        });
    }

    private <R extends com.google.protobuf.MessageLite> void stream(
            RequestOptions options, StreamObserver<R> out, Translation translation, EventStream.Projection<R> projection) {
        DoorCall<?, R> call = current();
        attempt(call, () -> {
            Inference inference = backend.get().inference();
            InferenceRequest request = translation.translate(new Requests(inference.model()), identify(call, options));
            logPrompt(call, request.prompt());
            EventStream.run((ServerCallStreamObserver<R>) out, call, limits.streamBufferBytes(), projection,
                    observer -> inference.start(request, observer));
        });
    }

    private static void attempt(DoorCall<?, ?> call, Runnable body) {
        try {
            body.run();
        } catch (InferenceException e) {
            call.refuse(e);
        } catch (RuntimeException e) {
            call.crash(e);
        }
    }

    /** The response type is the handler's own: the call belongs to it. */
    @SuppressWarnings("unchecked")
    private static <R> DoorCall<?, R> current() {
        return (DoorCall<?, R>) DoorCall.current();
    }

    private static String identify(DoorCall<?, ?> call, RequestOptions options) {
        String id = options.getRequestId();
        if (id.isEmpty()) id = "r-" + UUID.randomUUID();
        // What can't be an id can't be a header either; the request is refused a moment later.
        if (id.length() <= InferenceRequest.MAX_ID_CHARS && id.chars().allMatch(c -> c > ' ' && c < 0x7f)) call.identify(id);
        return id;
    }

    private void logPrompt(DoorCall<?, ?> call, Prompt prompt) {
        if (!logPrompts) return;
        String text = prompt.toString().replaceAll("\\p{Cntrl}", " ");
        call.rememberPrompt(text.length() <= MAX_LOGGED_PROMPT_CHARS ? text : text.substring(0, MAX_LOGGED_PROMPT_CHARS) + "…");
    }

    private static OptionalLong deadline() {
        Deadline deadline = Context.current().getDeadline();
        return deadline == null ? OptionalLong.empty() : OptionalLong.of(System.nanoTime() + deadline.timeRemaining(TimeUnit.NANOSECONDS));
    }
}
