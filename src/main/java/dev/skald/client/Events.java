package dev.skald.client;

import dev.skald.api.v1.ChatDelta;
import dev.skald.api.v1.ChatResponse;
import dev.skald.api.v1.ChatStreamResponse;
import dev.skald.api.v1.ContentPart;
import dev.skald.api.v1.Delta;
import dev.skald.api.v1.GenerateResponse;
import dev.skald.api.v1.GenerateStreamResponse;
import dev.skald.api.v1.TokenLogprob;
import dev.skald.service.InferenceEvent;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/** Events of the four calls that answer. What this release doesn't know is passed over. Pure. */
final class Events {
    static final BiConsumer<GenerateStreamResponse, Consumer<InferenceEvent>> OF_GENERATE_STREAM = (message, out) -> {
        switch (message.getEventCase()) {
            case STARTED -> out.accept(Replies.started(message.getStarted()));
            case PROMPT_SCORED -> out.accept(scored(message.getPromptScored().getTokensList()));
            case DELTA -> {
                Delta delta = message.getDelta();
                out.accept(delta(delta.getIndex(), delta.getText(), delta.getTokenIdsList(), delta.getLogprobsList()));
            }
            case FINISHED -> out.accept(Replies.finished(message.getFinished()));
            case COMPLETED -> out.accept(Replies.completed(message.getCompleted().getUsage(), message.getCompleted().getTimings()));
            case EVENT_NOT_SET -> {}
        }
    };

    static final BiConsumer<ChatStreamResponse, Consumer<InferenceEvent>> OF_CHAT_STREAM = (message, out) -> {
        switch (message.getEventCase()) {
            case STARTED -> out.accept(Replies.started(message.getStarted()));
            case PROMPT_SCORED -> out.accept(scored(message.getPromptScored().getTokensList()));
            case DELTA -> {
                ChatDelta delta = message.getDelta();
                out.accept(delta(delta.getIndex(), delta.getText(), delta.getTokenIdsList(), delta.getLogprobsList()));
            }
            case FINISHED -> out.accept(Replies.finished(message.getFinished()));
            case COMPLETED -> out.accept(Replies.completed(message.getCompleted().getUsage(), message.getCompleted().getTimings()));
            case EVENT_NOT_SET -> {}
        }
    };

    static final BiConsumer<GenerateResponse, Consumer<InferenceEvent>> OF_GENERATE = (message, out) -> {
        out.accept(new InferenceEvent.Started(message.getRequestId(), message.getModel(), message.getFingerprint(), message.getSeed(),
                message.getUsage().getPromptTokens(), message.getUsage().getCachedTokens()));
        if (message.getPromptLogprobsCount() > 0) out.accept(scored(message.getPromptLogprobsList()));
        message.getChoicesList().forEach(choice -> {
            out.accept(delta(choice.getIndex(), choice.getText(), choice.getTokenIdsList(), choice.getLogprobsList()));
            if (choice.hasFinished()) out.accept(Replies.finished(choice.getFinished()));
        });
        out.accept(Replies.completed(message.getUsage(), message.getTimings()));
    };

    static final BiConsumer<ChatResponse, Consumer<InferenceEvent>> OF_CHAT = (message, out) -> {
        out.accept(new InferenceEvent.Started(message.getRequestId(), message.getModel(), message.getFingerprint(), message.getSeed(),
                message.getUsage().getPromptTokens(), message.getUsage().getCachedTokens()));
        if (message.getPromptLogprobsCount() > 0) out.accept(scored(message.getPromptLogprobsList()));
        message.getChoicesList().forEach(choice -> {
            String text = choice.getMessage().getContentList().stream().map(ContentPart::getText).collect(Collectors.joining());
            out.accept(delta(choice.getIndex(), text, choice.getTokenIdsList(), choice.getLogprobsList()));
            if (choice.hasFinished()) out.accept(Replies.finished(choice.getFinished()));
        });
        out.accept(Replies.completed(message.getUsage(), message.getTimings()));
    };

    private Events() {}

    private static InferenceEvent.PromptScored scored(List<TokenLogprob> tokens) {
        return new InferenceEvent.PromptScored(Replies.scored(tokens));
    }

    private static InferenceEvent.Delta delta(int index, String text, List<Integer> ids, List<TokenLogprob> logprobs) {
        return new InferenceEvent.Delta(index, text, List.copyOf(ids), Replies.scored(logprobs));
    }
}
