package dev.skald.client;

import dev.skald.api.v1.ApplyTemplateRequest;
import dev.skald.api.v1.ChatRequest;
import dev.skald.api.v1.ChatStreamRequest;
import dev.skald.api.v1.DetokenizeRequest;
import dev.skald.api.v1.GenerateRequest;
import dev.skald.api.v1.GenerateStreamRequest;
import dev.skald.api.v1.InferenceGrpc;
import dev.skald.api.v1.TokenizeRequest;
import dev.skald.service.Inference;
import dev.skald.service.InferenceCall;
import dev.skald.service.InferenceEvent;
import dev.skald.service.InferenceException;
import dev.skald.service.InferenceObserver;
import dev.skald.service.InferenceRequest;
import dev.skald.service.ModelInfo;
import dev.skald.service.Prompt;
import dev.skald.service.TokenizedText;
import io.grpc.CallOptions;
import io.grpc.Channel;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** An {@link Inference} behind our API. Unary requests go as unary calls, the others as streams that are read as fast as they are taken. */
final class RemoteInference implements Inference {
    private static final long ASK_SECONDS = 60;

    private final Channel channel;
    private final ModelInfo model;

    RemoteInference(Channel channel, ModelInfo model) {
        this.channel = channel;
        this.model = model;
    }

    @Override
    public ModelInfo model() {
        return model;
    }

    @Override
    public InferenceCall start(InferenceRequest request, InferenceObserver observer) {
        CallOptions options = CallOptions.DEFAULT;
        if (request.deadlineNanos().isPresent()) {
            options = options.withDeadlineAfter(request.deadlineNanos().getAsLong() - System.nanoTime(), TimeUnit.NANOSECONDS);
        }
        try {
            return switch (request.prompt()) {
                case Prompt.Text text -> generate(request, options, observer);
                case Prompt.TokenIds ids -> generate(request, options, observer);
                case Prompt.Chat chat -> chat(request, chat, options, observer);
            };
        } catch (InferenceException e) {
            observer.onEvent(new InferenceEvent.Failed(e, InferenceEvent.Usage.NONE));
            return RemoteCall.NONE;
        }
    }

    private InferenceCall generate(InferenceRequest request, CallOptions options, InferenceObserver observer) {
        if (request.unary()) {
            GenerateRequest.Builder message = GenerateRequest.newBuilder()
                    .setOptions(Orders.options(request))
                    .setSampling(Orders.sampling(request.sampling()))
                    .setStopping(Orders.stopping(request.stopping()))
                    .setOutput(Orders.output(request.output()));
            if (request.prompt() instanceof Prompt.Text(String text)) message.setText(text);
            if (request.prompt() instanceof Prompt.TokenIds(List<Integer> ids)) message.setTokenIds(Orders.ids(ids));
            return RemoteCall.start(channel, InferenceGrpc.getGenerateMethod(), options, message.build(), Events.OF_GENERATE, observer);
        }
        GenerateStreamRequest.Builder message = GenerateStreamRequest.newBuilder()
                .setOptions(Orders.options(request))
                .setSampling(Orders.sampling(request.sampling()))
                .setStopping(Orders.stopping(request.stopping()))
                .setOutput(Orders.output(request.output()));
        if (request.prompt() instanceof Prompt.Text(String text)) message.setText(text);
        if (request.prompt() instanceof Prompt.TokenIds(List<Integer> ids)) message.setTokenIds(Orders.ids(ids));
        return RemoteCall.start(channel, InferenceGrpc.getGenerateStreamMethod(), options, message.build(), Events.OF_GENERATE_STREAM, observer);
    }

    private InferenceCall chat(InferenceRequest request, Prompt.Chat chat, CallOptions options, InferenceObserver observer) {
        if (request.unary()) {
            ChatRequest message = ChatRequest.newBuilder()
                    .setOptions(Orders.options(request))
                    .addAllMessages(Orders.messages(chat))
                    .setTemplateArgsJson(Orders.templateArgs(chat))
                    .setContinueFinal(chat.continueFinal())
                    .setSampling(Orders.sampling(request.sampling()))
                    .setStopping(Orders.stopping(request.stopping()))
                    .setOutput(Orders.output(request.output()))
                    .build();
            return RemoteCall.start(channel, InferenceGrpc.getChatMethod(), options, message, Events.OF_CHAT, observer);
        }
        ChatStreamRequest message = ChatStreamRequest.newBuilder()
                .setOptions(Orders.options(request))
                .addAllMessages(Orders.messages(chat))
                .setTemplateArgsJson(Orders.templateArgs(chat))
                .setContinueFinal(chat.continueFinal())
                .setSampling(Orders.sampling(request.sampling()))
                .setStopping(Orders.stopping(request.stopping()))
                .setOutput(Orders.output(request.output()))
                .build();
        return RemoteCall.start(channel, InferenceGrpc.getChatStreamMethod(), options, message, Events.OF_CHAT_STREAM, observer);
    }

    @Override
    public TokenizedText tokenize(String text, boolean addSpecial) {
        return SkaldClient.ask(() -> {
            var reply = stub().tokenize(TokenizeRequest.newBuilder().setText(text).setAddSpecial(addSpecial).build());
            return new TokenizedText(reply.getTokenIdsList(), reply.getPiecesList());
        });
    }

    @Override
    public String detokenize(List<Integer> ids, boolean skipSpecial) {
        return SkaldClient.ask(() -> stub().detokenize(
                DetokenizeRequest.newBuilder().addAllTokenIds(ids).setSkipSpecial(skipSpecial).build()).getText());
    }

    @Override
    public String applyTemplate(Prompt.Chat chat) {
        return SkaldClient.ask(() -> stub().applyTemplate(ApplyTemplateRequest.newBuilder()
                .addAllMessages(Orders.messages(chat))
                .setTemplateArgsJson(Orders.templateArgs(chat))
                .setContinueFinal(chat.continueFinal())
                .build()).getPrompt());
    }

    private InferenceGrpc.InferenceBlockingStub stub() {
        return InferenceGrpc.newBlockingStub(channel).withDeadlineAfter(ASK_SECONDS, TimeUnit.SECONDS);
    }

    /** The channel is its client's to close. */
    @Override
    public void close() {}
}
