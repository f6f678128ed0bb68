package dev.skald.client;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.skald.api.v1.CacheControl;
import dev.skald.api.v1.ChatMessage;
import dev.skald.api.v1.ContentPart;
import dev.skald.api.v1.Logprobs;
import dev.skald.api.v1.Output;
import dev.skald.api.v1.PromptLogprobs;
import dev.skald.api.v1.RequestOptions;
import dev.skald.api.v1.Sampling;
import dev.skald.api.v1.Stopping;
import dev.skald.api.v1.TokenIds;
import dev.skald.api.v1.ToolCall;
import dev.skald.service.InferenceException;
import dev.skald.service.InferenceRequest;
import dev.skald.service.Prompt;
import dev.skald.service.SamplingOptions;
import java.util.List;
import java.util.Map;

/** What is asked of the daemon, in the API's words. Pure. */
final class Orders {
    private static final ObjectMapper JSON = new ObjectMapper();

    private Orders() {}

    static RequestOptions options(InferenceRequest request) {
        RequestOptions.Builder options = RequestOptions.newBuilder()
                .setRequestId(request.id())
                .setModel(request.model())
                .setPriority(request.priority());
        request.queueTimeout().ifPresent(timeout -> options.setQueueTimeout(
                com.google.protobuf.Duration.newBuilder().setSeconds(timeout.getSeconds()).setNanos(timeout.getNano())));
        if (request.cacheBypass() || !request.cacheSalt().isEmpty()) {
            options.setCache(CacheControl.newBuilder().setBypass(request.cacheBypass()).setSalt(request.cacheSalt()));
        }
        return options.build();
    }

    static Sampling sampling(SamplingOptions from) {
        Sampling.Builder sampling = Sampling.newBuilder();
        from.temperature().ifPresent(sampling::setTemperature);
        from.topK().ifPresent(sampling::setTopK);
        from.topP().ifPresent(sampling::setTopP);
        from.minP().ifPresent(sampling::setMinP);
        from.repetitionPenalty().ifPresent(sampling::setRepetitionPenalty);
        from.presencePenalty().ifPresent(sampling::setPresencePenalty);
        from.frequencyPenalty().ifPresent(sampling::setFrequencyPenalty);
        sampling.putAllLogitBias(from.logitBias()).addAllAllowedIds(from.allowedIds());
        from.bannedSequences().forEach(banned -> sampling.addBannedSequences(ids(banned)));
        from.seed().ifPresent(sampling::setSeed);
        return sampling.setN(from.n()).build();
    }

    static Stopping stopping(InferenceRequest.Stopping from) {
        Stopping.Builder stopping = Stopping.newBuilder()
                .setMinTokens(from.minTokens())
                .addAllStopStrings(from.stopStrings())
                .addAllStopTokenIds(from.stopIds())
                .setIncludeStop(from.includeStop())
                .setIgnoreEos(from.ignoreEos());
        from.maxTokens().ifPresent(stopping::setMaxTokens);
        return stopping.build();
    }

    static Output output(InferenceRequest.Output from) {
        Output.Builder output = Output.newBuilder().setSkipSpecial(from.skipSpecial());
        if (from.topLogprobs() >= 0) output.setLogprobs(Logprobs.newBuilder().setTopN(from.topLogprobs()));
        if (from.promptTopLogprobs() >= 0) {
            output.setPromptLogprobs(PromptLogprobs.newBuilder().setTopN(from.promptTopLogprobs()).setFrom(from.scoreFrom()));
        }
        return output.build();
    }

    static TokenIds ids(List<Integer> ids) {
        return TokenIds.newBuilder().addAllIds(ids).build();
    }

    static List<ChatMessage> messages(Prompt.Chat chat) {
        if (!chat.tools().isEmpty()) throw InferenceException.invalid("NOT_BUILT", "tools", "tools: this release can't do that yet");
        return chat.messages().stream().map(Orders::message).toList();
    }

    /** "" for none. */
    static String templateArgs(Prompt.Chat chat) {
        return chat.templateArgs().isEmpty() ? "" : json(chat.templateArgs());
    }

    private static ChatMessage message(Prompt.Message from) {
        ChatMessage.Builder message = ChatMessage.newBuilder().setRole(from.role());
        if (!from.content().isEmpty()) message.addContent(ContentPart.newBuilder().setText(from.content()));
        from.name().ifPresent(message::setName);
        from.reasoning().ifPresent(message::setReasoning);
        from.toolCallId().ifPresent(message::setToolCallId);
        from.toolCalls().forEach(call -> message.addToolCalls(toolCall(call)));
        return message.build();
    }

    /** From the shape that templates expect. */
    private static ToolCall toolCall(Object value) {
        if (!(value instanceof Map<?, ?> call) || !(call.get("function") instanceof Map<?, ?> function) || !(function.get("name") instanceof String name)) {
            throw InferenceException.invalid("MALFORMED_JSON", "tool_calls", "a tool call is not {\"id\", \"function\": {\"name\", \"arguments\"}}");
        }
        Object arguments = function.get("arguments");
        String json = arguments instanceof String text ? text : arguments == null ? "" : json(arguments);
        return ToolCall.newBuilder().setId(call.get("id") instanceof String id ? id : "").setName(name).setArgumentsJson(json).build();
    }

    private static String json(Object value) {
        try {
            return JSON.writeValueAsString(value);
        } catch (JsonProcessingException e) {
            throw InferenceException.invalid("MALFORMED_JSON", "", "not a JSON value: " + e.getOriginalMessage());
        }
    }
}
