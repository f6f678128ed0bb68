package dev.skald.grpc;

import dev.skald.api.v1.ChatStreamResponse;
import dev.skald.api.v1.GenerateStreamResponse;
import dev.skald.service.InferenceEvent;
import dev.skald.service.InferenceEvent.ScoredToken;
import java.util.List;
import java.util.function.Consumer;

/** Events of streams, from the service's words to the API's. Pure. */
final class StreamResponses {
    /** Prompt tokens in one event: with 20 most likely ones beside each, well below what clients accept in one message. */
    static final int PROMPT_TOKENS_PER_EVENT = 256;

    private StreamResponses() {}

    static EventStream.Projection<GenerateStreamResponse> generate(OutputShape shape) {
        return (event, out) -> {
            switch (event) {
                case InferenceEvent.Started e -> out.send(GenerateStreamResponse.newBuilder().setStarted(Answers.started(e)).build());
                case InferenceEvent.PromptScored e -> inPieces(e.tokens(), piece -> out.sendLater(
                        () -> GenerateStreamResponse.newBuilder().setPromptScored(Answers.promptScored(piece)).build()));
                case InferenceEvent.Delta e -> out.send(GenerateStreamResponse.newBuilder().setDelta(Answers.delta(e, shape)).build());
                case InferenceEvent.Finished e -> out.send(GenerateStreamResponse.newBuilder().setFinished(Answers.finished(e)).build());
                case InferenceEvent.Completed e -> out.send(GenerateStreamResponse.newBuilder().setCompleted(Answers.completed(e)).build());
                case InferenceEvent.Admitted e -> throw new IllegalStateException("headers, not a message");
                case InferenceEvent.Failed e -> throw new IllegalStateException("a status, not a message");
            }
        };
    }

    static EventStream.Projection<ChatStreamResponse> chat(OutputShape shape) {
        return (event, out) -> {
            switch (event) {
                case InferenceEvent.Started e -> out.send(ChatStreamResponse.newBuilder().setStarted(Answers.started(e)).build());
                case InferenceEvent.PromptScored e -> inPieces(e.tokens(), piece -> out.sendLater(
                        () -> ChatStreamResponse.newBuilder().setPromptScored(Answers.promptScored(piece)).build()));
                case InferenceEvent.Delta e -> out.send(ChatStreamResponse.newBuilder().setDelta(Answers.chatDelta(e, shape)).build());
                case InferenceEvent.Finished e -> out.send(ChatStreamResponse.newBuilder().setFinished(Answers.finished(e)).build());
                case InferenceEvent.Completed e -> out.send(ChatStreamResponse.newBuilder().setCompleted(Answers.completed(e)).build());
                case InferenceEvent.Admitted e -> throw new IllegalStateException("headers, not a message");
                case InferenceEvent.Failed e -> throw new IllegalStateException("a status, not a message");
            }
        };
    }

    private static void inPieces(List<ScoredToken> tokens, Consumer<List<ScoredToken>> out) {
        for (int from = 0; from < tokens.size(); from += PROMPT_TOKENS_PER_EVENT) {
            out.accept(tokens.subList(from, Math.min(tokens.size(), from + PROMPT_TOKENS_PER_EVENT)));
        }
    }
}
