package dev.skald.client;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.skald.api.v1.CacheControl;
import dev.skald.api.v1.ChatMessage;
import dev.skald.api.v1.ChatStreamRequest;
import dev.skald.api.v1.ContentPart;
import dev.skald.api.v1.GenerateStreamRequest;
import dev.skald.api.v1.Logprobs;
import dev.skald.api.v1.Output;
import dev.skald.api.v1.PromptLogprobs;
import dev.skald.api.v1.RequestOptions;
import dev.skald.api.v1.Sampling;
import dev.skald.api.v1.Stopping;
import dev.skald.api.v1.TokenIds;
import dev.skald.service.InferenceException;
import dev.skald.service.InferenceRequest;
import dev.skald.service.Prompt;
import dev.skald.service.SamplingOptions;
import java.util.List;
import java.util.Map;

/** From the service's words to the API's. Pure. */
final class Messages {
    private static final ObjectMapper JSON = new ObjectMapper();

    private Messages() {}

    static GenerateStreamRequest generate(InferenceRequest request) {
        GenerateStreamRequest.Builder message = GenerateStreamRequest.newBuilder()
                .setOptions(options(request))
                .setSampling(sampling(request.sampling()))
                .setStopping(stopping(request.stopping()))
                .setOutput(output(request.output()));
        switch (request.prompt()) {
            case Prompt.Text text -> message.setText(text.text());
            case Prompt.TokenIds ids -> message.setTokenIds(TokenIds.newBuilder().addAllIds(ids.ids()));
            case Prompt.Chat chat -> throw new IllegalArgumentException("a conversation is no GenerateStreamRequest");
        }
        return message.build();
    }

    static ChatStreamRequest chat(InferenceRequest request, Prompt.Chat chat) {
        if (!chat.tools().isEmpty()) throw InferenceException.invalid("NOT_BUILT", "tools", "tools are not sent to a daemon by this release");
        return ChatStreamRequest.newBuilder()
                .setOptions(options(request))
                .addAllMessages(messages(chat))
                .setTemplateArgsJson(json(chat.templateArgs()))
                .setContinueFinal(chat.continueFinal())
                .setSampling(sampling(request.sampling()))
                .setStopping(stopping(request.stopping()))
                .setOutput(output(request.output()))
                .build();
    }

    static List<ChatMessage> messages(Prompt.Chat chat) {
        return chat.messages().stream().map(Messages::message).toList();
    }

    /** "" for no arguments. */
    static String json(Map<String, Object> args) {
        try {
            return args.isEmpty() ? "" : JSON.writeValueAsString(args);
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException("template arguments are no JSON values", e);
        }
    }

    private static ChatMessage message(Prompt.Message m) {
        if (!m.toolCalls().isEmpty()) throw InferenceException.invalid("NOT_BUILT", "messages", "tool calls are not sent to a daemon by this release");
        ChatMessage.Builder message = ChatMessage.newBuilder().setRole(m.role()).addContent(ContentPart.newBuilder().setText(m.content()));
        m.name().ifPresent(message::setName);
        m.reasoning().ifPresent(message::setReasoning);
        m.toolCallId().ifPresent(message::setToolCallId);
        return message.build();
    }

    private static RequestOptions options(InferenceRequest request) {
        RequestOptions.Builder options = RequestOptions.newBuilder()
                .setRequestId(request.id())
                .setModel(request.model())
                .setPriority(request.priority())
                .setCache(CacheControl.newBuilder().setBypass(request.cacheBypass()).setSalt(request.cacheSalt()));
        request.queueTimeout().ifPresent(d -> options.setQueueTimeout(
                com.google.protobuf.Duration.newBuilder().setSeconds(d.getSeconds()).setNanos(d.getNano())));
        return options.build();
    }

    private static Sampling sampling(SamplingOptions s) {
        Sampling.Builder sampling = Sampling.newBuilder()
                .putAllLogitBias(s.logitBias())
                .addAllAllowedIds(s.allowedIds())
                .addAllBannedSequences(s.bannedSequences().stream().map(ids -> TokenIds.newBuilder().addAllIds(ids).build()).toList())
                .setN(s.n());
        s.temperature().ifPresent(sampling::setTemperature);
        s.topK().ifPresent(sampling::setTopK);
        s.topP().ifPresent(sampling::setTopP);
        s.minP().ifPresent(sampling::setMinP);
        s.repetitionPenalty().ifPresent(sampling::setRepetitionPenalty);
        s.presencePenalty().ifPresent(sampling::setPresencePenalty);
        s.frequencyPenalty().ifPresent(sampling::setFrequencyPenalty);
        s.seed().ifPresent(sampling::setSeed);
        return sampling.build();
    }

    private static Stopping stopping(InferenceRequest.Stopping s) {
        Stopping.Builder stopping = Stopping.newBuilder()
                .setMinTokens(s.minTokens())
                .addAllStopStrings(s.stopStrings())
                .addAllStopTokenIds(s.stopIds())
                .setIncludeStop(s.includeStop())
                .setIgnoreEos(s.ignoreEos());
        s.maxTokens().ifPresent(stopping::setMaxTokens);
        return stopping.build();
    }

    private static Output output(InferenceRequest.Output o) {
        Output.Builder output = Output.newBuilder().setText(true).setTokenIds(true).setSkipSpecial(o.skipSpecial());
        if (o.topLogprobs() >= 0) output.setLogprobs(Logprobs.newBuilder().setTopN(o.topLogprobs()));
        if (o.promptTopLogprobs() >= 0) {
            output.setPromptLogprobs(PromptLogprobs.newBuilder().setTopN(o.promptTopLogprobs()).setFrom(o.scoreFrom()));
        }
        return output.build();
    }
}
