package dev.skald.client;

import dev.skald.api.v1.ApplyTemplateRequest;
import dev.skald.api.v1.ChatStreamRequest;
import dev.skald.api.v1.ChatStreamResponse;
import dev.skald.api.v1.DetokenizeRequest;
import dev.skald.api.v1.GenerateStreamRequest;
import dev.skald.api.v1.GenerateStreamResponse;
import dev.skald.api.v1.InferenceGrpc;
import dev.skald.api.v1.ListModelsRequest;
import dev.skald.api.v1.ModelsGrpc;
import dev.skald.api.v1.TokenizeRequest;
import dev.skald.api.v1.TokenizeResponse;
import dev.skald.service.Inference;
import dev.skald.service.InferenceCall;
import dev.skald.service.InferenceException;
import dev.skald.service.InferenceObserver;
import dev.skald.service.InferenceRequest;
import dev.skald.service.ModelInfo;
import dev.skald.service.Prompt;
import dev.skald.service.TokenizedText;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.NettyChannelBuilder;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/** A daemon's model. The channel connects when it is first needed. */
public final class RemoteInference implements Inference {
    /** Largest answer that a call may bring: prompt log-probabilities of a long prompt. */
    private static final int MAX_MESSAGE_BYTES = 64 << 20;
    /** Of calls that only compute text. */
    private static final int UNARY_SECONDS = 30;

    private final ManagedChannel channel;

    private RemoteInference(ManagedChannel channel) {
        this.channel = channel;
    }

    /**
     * Plaintext.
     *
     * @param endpoint HOST:PORT
     * @throws IllegalArgumentException if it is none
     */
    public static RemoteInference connect(String endpoint) {
        int colon = endpoint.lastIndexOf(':');
        if (colon < 1 || !endpoint.substring(colon + 1).matches("\\d{1,5}") || Integer.parseInt(endpoint.substring(colon + 1)) > 65_535) {
            throw new IllegalArgumentException("\"" + endpoint + "\" is no HOST:PORT");
        }
        return over(NettyChannelBuilder.forTarget("dns:///" + endpoint).usePlaintext().maxInboundMessageSize(MAX_MESSAGE_BYTES).build());
    }

    /** @param channel closed with this */
    public static RemoteInference over(ManagedChannel channel) {
        return new RemoteInference(channel);
    }

    @Override
    public ModelInfo model() {
        return unary(() -> {
            var models = ModelsGrpc.newBlockingStub(channel)
                    .withDeadlineAfter(UNARY_SECONDS, TimeUnit.SECONDS)
                    .listModels(ListModelsRequest.getDefaultInstance());
            return Replies.model(models.getModels(0));
        });
    }

    @Override
    public InferenceCall start(InferenceRequest request, InferenceObserver observer) {
        InferenceGrpc.InferenceStub stub = InferenceGrpc.newStub(channel);
        if (request.deadlineNanos().isPresent()) {
            stub = stub.withDeadlineAfter(Math.max(0, request.deadlineNanos().getAsLong() - System.nanoTime()), TimeUnit.NANOSECONDS);
        }
        if (request.prompt() instanceof Prompt.Chat chat) {
            RemoteCall<ChatStreamRequest, ChatStreamResponse> call = new RemoteCall<>(request.id(), observer, Replies::event);
            stub.chatStream(Messages.chat(request, chat), call);
            return call;
        }
        RemoteCall<GenerateStreamRequest, GenerateStreamResponse> call = new RemoteCall<>(request.id(), observer, Replies::event);
        stub.generateStream(Messages.generate(request), call);
        return call;
    }

    @Override
    public TokenizedText tokenize(String text, boolean addSpecial) {
        TokenizeResponse reply = unary(() -> blocking().tokenize(TokenizeRequest.newBuilder().setText(text).setAddSpecial(addSpecial).build()));
        return new TokenizedText(reply.getTokenIdsList(), reply.getPiecesList());
    }

    @Override
    public String detokenize(List<Integer> ids, boolean skipSpecial) {
        return unary(() -> blocking()
                .detokenize(DetokenizeRequest.newBuilder().addAllTokenIds(ids).setSkipSpecial(skipSpecial).build())
                .getText());
    }

    @Override
    public String applyTemplate(Prompt.Chat chat) {
        return unary(() -> blocking()
                .applyTemplate(ApplyTemplateRequest.newBuilder()
                        .addAllMessages(Messages.messages(chat))
                        .setTemplateArgsJson(Messages.json(chat.templateArgs()))
                        .setContinueFinal(chat.continueFinal())
                        .build())
                .getPrompt());
    }

    private InferenceGrpc.InferenceBlockingStub blocking() {
        return InferenceGrpc.newBlockingStub(channel).withDeadlineAfter(UNARY_SECONDS, TimeUnit.SECONDS);
    }

    private static <T> T unary(Supplier<T> call) {
        try {
            return call.get();
        } catch (StatusRuntimeException e) {
            throw Statuses.exception(e);
        }
    }

    /** Cuts what runs. */
    @Override
    public void close() {
        channel.shutdownNow();
        try {
            channel.awaitTermination(2, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** For messages: what was asked for is not there. */
    static InferenceException unexpected(String what) {
        return new InferenceException(InferenceException.Kind.INTERNAL, "UNEXPECTED_REPLY", "", what, java.util.Optional.empty());
    }
}
