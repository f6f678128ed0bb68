package dev.skald.grpc;

import com.google.protobuf.ByteString;
import dev.skald.api.v1.ChatDelta;
import dev.skald.api.v1.Completed;
import dev.skald.api.v1.Delta;
import dev.skald.api.v1.FinishReason;
import dev.skald.api.v1.Finished;
import dev.skald.api.v1.PromptScored;
import dev.skald.api.v1.Started;
import dev.skald.api.v1.Timings;
import dev.skald.api.v1.TokenLogprob;
import dev.skald.api.v1.TopLogprob;
import dev.skald.api.v1.Usage;
import dev.skald.service.InferenceEvent;
import dev.skald.service.InferenceEvent.ScoredToken;
import java.time.Duration;
import java.util.List;

/** From the service's words to the API's. Pure. */
final class Answers {
    private Answers() {}

    static Started started(InferenceEvent.Started event) {
        return Started.newBuilder()
                .setRequestId(event.requestId())
                .setModel(event.model())
                .setFingerprint(event.fingerprint())
                .setSeed(event.seed())
                .setPromptTokens(event.promptTokens())
                .setCachedTokens(event.cachedTokens())
                .build();
    }

    static PromptScored promptScored(List<ScoredToken> tokens) {
        return PromptScored.newBuilder().addAllTokens(tokens.stream().map(Answers::logprob).toList()).build();
    }

    static Delta delta(InferenceEvent.Delta event, OutputShape shape) {
        Delta.Builder delta = Delta.newBuilder().setIndex(event.choice());
        if (shape.text()) delta.setText(event.text());
        if (shape.ids()) delta.addAllTokenIds(event.ids());
        event.logprobs().forEach(token -> delta.addLogprobs(logprob(token)));
        return delta.build();
    }

    static ChatDelta chatDelta(InferenceEvent.Delta event, OutputShape shape) {
        ChatDelta.Builder delta = ChatDelta.newBuilder().setIndex(event.choice());
        if (shape.text()) delta.setText(event.text());
        if (shape.ids()) delta.addAllTokenIds(event.ids());
        event.logprobs().forEach(token -> delta.addLogprobs(logprob(token)));
        return delta.build();
    }

    static Finished finished(InferenceEvent.Finished event) {
        Finished.Builder finished = Finished.newBuilder().setIndex(event.choice()).setReason(reason(event.reason()));
        event.stopString().ifPresent(finished::setStopString);
        event.id().ifPresent(id -> {
            if (event.reason() == dev.skald.schedule.FinishReason.EOS) finished.setEosId(id);
            else finished.setStopId(id);
        });
        return finished.build();
    }

    static FinishReason reason(dev.skald.schedule.FinishReason reason) {
        return switch (reason) {
            case EOS -> FinishReason.FINISH_REASON_EOS;
            case STOP -> FinishReason.FINISH_REASON_STOP;
            case LENGTH -> FinishReason.FINISH_REASON_LENGTH;
            case CONTEXT -> FinishReason.FINISH_REASON_CONTEXT;
        };
    }

    static Completed completed(InferenceEvent.Completed event) {
        return Completed.newBuilder().setUsage(usage(event.usage())).setTimings(timings(event.timings())).build();
    }

    static Usage usage(InferenceEvent.Usage usage) {
        return Usage.newBuilder()
                .setPromptTokens(usage.promptTokens())
                .setCompletionTokens(usage.completionTokens())
                .setCachedTokens(usage.cachedTokens())
                .build();
    }

    static Timings timings(InferenceEvent.Timings timings) {
        return Timings.newBuilder()
                .setQueue(duration(timings.queue()))
                .setPrefill(duration(timings.prefill()))
                .setDecode(duration(timings.decode()))
                .setPreemptions(timings.preemptions())
                .build();
    }

    static TokenLogprob logprob(ScoredToken token) {
        TokenLogprob.Builder logprob = TokenLogprob.newBuilder()
                .setId(token.id())
                .setLogprob(token.logprob())
                .setRank(token.rank())
                .setBytes(ByteString.copyFrom(token.bytes()));
        token.top().forEach(top -> logprob.addTop(
                TopLogprob.newBuilder().setId(top.id()).setLogprob(top.logprob()).setBytes(ByteString.copyFrom(top.bytes()))));
        return logprob.build();
    }

    static com.google.protobuf.Duration duration(Duration duration) {
        return com.google.protobuf.Duration.newBuilder().setSeconds(duration.getSeconds()).setNanos(duration.getNano()).build();
    }
}
