package dev.skald.client;

import dev.skald.api.v1.Finished;
import dev.skald.api.v1.GetLoadResponse;
import dev.skald.api.v1.GetServerInfoResponse;
import dev.skald.api.v1.Model;
import dev.skald.api.v1.Sampling;
import dev.skald.api.v1.TokenIds;
import dev.skald.api.v1.TokenLogprob;
import dev.skald.sampling.SamplingParams;
import dev.skald.schedule.FinishReason;
import dev.skald.service.InferenceEvent;
import dev.skald.service.InferenceException;
import dev.skald.service.LoadSnapshot;
import dev.skald.service.ModelInfo;
import dev.skald.service.ServerInfo;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;

/** What the daemon says, in the service's words. Pure. */
final class Replies {
    private Replies() {}

    static InferenceEvent.Started started(dev.skald.api.v1.Started s) {
        return new InferenceEvent.Started(s.getRequestId(), s.getModel(), s.getFingerprint(), s.getSeed(), s.getPromptTokens(), s.getCachedTokens());
    }

    static InferenceEvent.Finished finished(Finished f) {
        OptionalInt id = switch (f.getCauseCase()) {
            case EOS_ID -> OptionalInt.of(f.getEosId());
            case STOP_ID -> OptionalInt.of(f.getStopId());
            case STOP_STRING, RULE, CAUSE_NOT_SET -> OptionalInt.empty();
        };
        return new InferenceEvent.Finished(f.getIndex(), reason(f.getReason()), id, f.hasStopString() ? Optional.of(f.getStopString()) : Optional.empty());
    }

    /** @throws InferenceException for a reason of a newer daemon that this release has no word for */
    private static FinishReason reason(dev.skald.api.v1.FinishReason reason) {
        return switch (reason) {
            case FINISH_REASON_EOS -> FinishReason.EOS;
            case FINISH_REASON_STOP -> FinishReason.STOP;
            case FINISH_REASON_LENGTH -> FinishReason.LENGTH;
            case FINISH_REASON_CONTEXT -> FinishReason.CONTEXT;
            case FINISH_REASON_TOOL_CALLS, FINISH_REASON_CONTENT_FILTER, FINISH_REASON_UNSPECIFIED, UNRECOGNIZED ->
                    throw new InferenceException(InferenceException.Kind.UNIMPLEMENTED, "FINISH_REASON", "",
                            "the server ended an answer for a reason that this client doesn't know: " + reason, Optional.empty());
        };
    }

    static InferenceEvent.Completed completed(dev.skald.api.v1.Usage usage, dev.skald.api.v1.Timings t) {
        return new InferenceEvent.Completed(usage(usage),
                new InferenceEvent.Timings(duration(t.getQueue()), duration(t.getPrefill()), duration(t.getDecode()), t.getPreemptions()));
    }

    static InferenceEvent.Usage usage(dev.skald.api.v1.Usage usage) {
        return new InferenceEvent.Usage(usage.getPromptTokens(), usage.getCompletionTokens(), usage.getCachedTokens());
    }

    static List<InferenceEvent.ScoredToken> scored(List<TokenLogprob> tokens) {
        return tokens.stream().map(token -> new InferenceEvent.ScoredToken(
                token.getId(), token.getLogprob(), token.getRank(), token.getBytes().toByteArray(),
                token.getTopList().stream().map(top -> new InferenceEvent.TopToken(top.getId(), top.getLogprob(), top.getBytes().toByteArray())).toList()))
                .toList();
    }

    static ModelInfo model(Model m) {
        Sampling d = m.getDefaults();
        SamplingParams defaults = new SamplingParams(
                d.getTemperature(), d.getTopK(), d.getTopP(), d.getMinP(), d.getRepetitionPenalty(), d.getPresencePenalty(), d.getFrequencyPenalty(),
                d.getLogitBiasMap(), d.getAllowedIdsList(), d.getBannedSequencesList().stream().map(TokenIds::getIdsList).toList());
        return new ModelInfo(m.getName(), m.getFamily(), m.getParameters(), m.getDtype(), m.getContextLength(), m.getVocabularySize(), defaults,
                m.getHasTemplate(), m.getFingerprint());
    }

    static ServerInfo serverInfo(GetServerInfoResponse info) {
        return new ServerInfo(info.getVersion(), info.getInstanceId(), info.getDevice(),
                info.getLimitsList().stream().map(limit -> new ServerInfo.Limit(limit.getName(), limit.getValue(), limit.getUnit())).toList());
    }

    static LoadSnapshot load(GetLoadResponse load) {
        return new LoadSnapshot(load.getRunning(), load.getWaiting(), load.getPaused(), load.getQueuedPrefillTokens(),
                load.getKvBlocksUsed(), load.getKvBlocksCached(), load.getKvBlocksTotal(), load.getKvBlockTokens(),
                load.hasPrefillTokensPerSecond() ? OptionalDouble.of(load.getPrefillTokensPerSecond()) : OptionalDouble.empty(),
                load.hasDecodeTokensPerSecond() ? OptionalDouble.of(load.getDecodeTokensPerSecond()) : OptionalDouble.empty());
    }

    private static Duration duration(com.google.protobuf.Duration d) {
        return Duration.ofSeconds(d.getSeconds(), d.getNanos());
    }
}
