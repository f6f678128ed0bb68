package dev.skald.client;

import dev.skald.api.health.v1.HealthCheckRequest;
import dev.skald.api.health.v1.HealthCheckResponse.ServingStatus;
import dev.skald.api.health.v1.HealthGrpc;
import dev.skald.api.v1.GetLoadRequest;
import dev.skald.api.v1.GetModelRequest;
import dev.skald.api.v1.GetServerInfoRequest;
import dev.skald.api.v1.ModelsGrpc;
import dev.skald.api.v1.ServerGrpc;
import dev.skald.service.Health;
import dev.skald.service.Inference;
import dev.skald.service.InferenceException;
import dev.skald.service.LoadSnapshot;
import dev.skald.service.ModelInfo;
import dev.skald.service.ServerInfo;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import io.grpc.TlsChannelCredentials;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/** A connection to one daemon. Thread-safe. */
public final class SkaldClient implements AutoCloseable {
    /** For calls that a healthy daemon answers at once. */
    private static final Duration SHORT = Duration.ofSeconds(10);
    private static final Duration CLOSING = Duration.ofSeconds(2);
    /** Answers may carry log-probabilities of long prompts. */
    private static final int MAX_MESSAGE_BYTES = 64 << 20;

    private final ManagedChannel channel;

    /** Connects with the first call. @throws IOException naming the PEM file that can't be used */
    public SkaldClient(Endpoint endpoint) throws IOException {
        var builder = Grpc.newChannelBuilder(endpoint.target(), credentials(endpoint));
        this.channel = builder.intercept(new Reach(endpoint.target()))
                .maxInboundMessageSize(MAX_MESSAGE_BYTES)
                .keepAliveTime(30, TimeUnit.SECONDS)
                .keepAliveTimeout(20, TimeUnit.SECONDS)
                .build();
    }

    private static io.grpc.ChannelCredentials credentials(Endpoint endpoint) throws IOException {
        if (endpoint.tls().isEmpty()) return InsecureChannelCredentials.create();
        Endpoint.Tls tls = endpoint.tls().get();
        TlsChannelCredentials.Builder builder = TlsChannelCredentials.newBuilder();
        if (tls.serverCa().isPresent()) builder.trustManager(tls.serverCa().get().toFile());
        if (tls.clientCert().isPresent()) builder.keyManager(tls.clientCert().get().toFile(), tls.clientKey().orElseThrow().toFile());
        return builder.build();
    }

    /** For stubs of calls that this class has no word for. */
    public ManagedChannel channel() {
        return channel;
    }

    /**
     * The model that the daemon serves. Closing it leaves this client open.
     *
     * @throws InferenceException UNAVAILABLE where nobody listens, or the daemon is loading
     */
    public Inference inference() {
        return new RemoteInference(channel, model());
    }

    /** @throws InferenceException as all calls here */
    public ModelInfo model() {
        return ask(() -> Replies.model(ModelsGrpc.newBlockingStub(channel).withDeadlineAfter(SHORT)
                .getModel(GetModelRequest.getDefaultInstance()).getModel()));
    }

    public ServerInfo serverInfo() {
        return ask(() -> Replies.serverInfo(ServerGrpc.newBlockingStub(channel).withDeadlineAfter(SHORT)
                .getServerInfo(GetServerInfoRequest.getDefaultInstance())));
    }

    public LoadSnapshot load() {
        return ask(() -> Replies.load(ServerGrpc.newBlockingStub(channel).withDeadlineAfter(SHORT).getLoad(GetLoadRequest.getDefaultInstance())));
    }

    public Health health() {
        return new Health(serving(""), serving("skald.live"));
    }

    private boolean serving(String service) {
        return ask(() -> HealthGrpc.newBlockingStub(channel).withDeadlineAfter(SHORT)
                .check(HealthCheckRequest.newBuilder().setService(service).build()).getStatus() == ServingStatus.SERVING);
    }

    static <T> T ask(Supplier<T> call) {
        try {
            return call.get();
        } catch (StatusRuntimeException e) {
            throw Statuses.exception(e);
        }
    }

    /** Ends calls that still run. */
    @Override
    public void close() {
        channel.shutdownNow();
        try {
            channel.awaitTermination(CLOSING.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
