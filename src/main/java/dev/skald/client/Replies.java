package dev.skald.client;

import dev.skald.api.v1.ChatStreamResponse;
import dev.skald.api.v1.Completed;
import dev.skald.api.v1.Finished;
import dev.skald.api.v1.GenerateStreamResponse;
import dev.skald.api.v1.Model;
import dev.skald.api.v1.Sampling;
import dev.skald.api.v1.Started;
import dev.skald.api.v1.Timings;
import dev.skald.api.v1.TokenLogprob;
import dev.skald.api.v1.Usage;
import dev.skald.sampling.SamplingParams;
import dev.skald.schedule.FinishReason;
import dev.skald.service.InferenceEvent;
import dev.skald.service.InferenceEvent.ScoredToken;
import dev.skald.service.InferenceEvent.TopToken;
import dev.skald.service.ModelInfo;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/** From the API's words to the service's. Pure. */
final class Replies {
    private Replies() {}

    /** Empty for an event that this release doesn't know. */
    static Optional<InferenceEvent> event(GenerateStreamResponse message) {
        return switch (message.getEventCase()) {
            case STARTED -> Optional.of(started(message.getStarted()));
            case PROMPT_SCORED -> Optional.of(new InferenceEvent.PromptScored(scored(message.getPromptScored().getTokensList())));
            case DELTA -> {
                var d = message.getDelta();
                yield Optional.of(new InferenceEvent.Delta(d.getIndex(), d.getText(), d.getTokenIdsList(), scored(d.getLogprobsList())));
            }
            case FINISHED -> Optional.of(finished(message.getFinished()));
            case COMPLETED -> Optional.of(completed(message.getCompleted()));
            case EVENT_NOT_SET -> Optional.empty();
        };
    }

    static Optional<InferenceEvent> event(ChatStreamResponse message) {
        return switch (message.getEventCase()) {
            case STARTED -> Optional.of(started(message.getStarted()));
            case PROMPT_SCORED -> Optional.of(new InferenceEvent.PromptScored(scored(message.getPromptScored().getTokensList())));
            case DELTA -> {
                var d = message.getDelta();
                yield Optional.of(new InferenceEvent.Delta(d.getIndex(), d.getText(), d.getTokenIdsList(), scored(d.getLogprobsList())));
            }
            case FINISHED -> Optional.of(finished(message.getFinished()));
            case COMPLETED -> Optional.of(completed(message.getCompleted()));
            case EVENT_NOT_SET -> Optional.empty();
        };
    }

    static InferenceEvent.Usage usage(Usage usage) {
        return new InferenceEvent.Usage(usage.getPromptTokens(), usage.getCompletionTokens(), usage.getCachedTokens());
    }

    static ModelInfo model(Model m) {
        Sampling d = m.getDefaults();
        SamplingParams defaults = new SamplingParams(
                d.getTemperature(),
                d.getTopK(),
                d.hasTopP() ? d.getTopP() : 1,
                d.getMinP(),
                d.hasRepetitionPenalty() ? d.getRepetitionPenalty() : 1,
                d.getPresencePenalty(),
                d.getFrequencyPenalty(),
                Map.of(),
                List.of(),
                List.of());
        return new ModelInfo(
                m.getName(), m.getFamily(), m.getParameters(), m.getDtype(), m.getContextLength(), m.getVocabularySize(), defaults,
                m.getHasTemplate(), m.getFingerprint());
    }

    private static InferenceEvent started(Started s) {
        return new InferenceEvent.Started(s.getRequestId(), s.getModel(), s.getFingerprint(), s.getSeed(), s.getPromptTokens(), s.getCachedTokens());
    }

    private static InferenceEvent finished(Finished f) {
        OptionalInt id = switch (f.getCauseCase()) {
            case EOS_ID -> OptionalInt.of(f.getEosId());
            case STOP_ID -> OptionalInt.of(f.getStopId());
            case STOP_STRING, RULE, CAUSE_NOT_SET -> OptionalInt.empty();
        };
        Optional<String> stop = f.hasStopString() ? Optional.of(f.getStopString()) : Optional.empty();
        return new InferenceEvent.Finished(f.getIndex(), reason(f), id, stop);
    }

    private static FinishReason reason(Finished f) {
        return switch (f.getReason()) {
            case FINISH_REASON_EOS -> FinishReason.EOS;
            case FINISH_REASON_STOP -> FinishReason.STOP;
            case FINISH_REASON_LENGTH -> FinishReason.LENGTH;
            case FINISH_REASON_CONTEXT -> FinishReason.CONTEXT;
            case FINISH_REASON_TOOL_CALLS, FINISH_REASON_CONTENT_FILTER, FINISH_REASON_UNSPECIFIED, UNRECOGNIZED ->
                throw RemoteInference.unexpected("the daemon's finish reason " + f.getReason() + " is unknown to this client");
        };
    }

    private static InferenceEvent completed(Completed c) {
        Timings t = c.getTimings();
        return new InferenceEvent.Completed(
                usage(c.getUsage()),
                new InferenceEvent.Timings(duration(t.getQueue()), duration(t.getPrefill()), duration(t.getDecode()), t.getPreemptions()));
    }

    private static List<ScoredToken> scored(List<TokenLogprob> tokens) {
        return tokens.stream()
                .map(t -> new ScoredToken(
                        t.getId(),
                        t.getLogprob(),
                        t.getRank(),
                        t.getBytes().toByteArray(),
                        t.getTopList().stream().map(top -> new TopToken(top.getId(), top.getLogprob(), top.getBytes().toByteArray())).toList()))
                .toList();
    }

    private static Duration duration(com.google.protobuf.Duration d) {
        return Duration.ofSeconds(d.getSeconds(), d.getNanos());
    }
}
