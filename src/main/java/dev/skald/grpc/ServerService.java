package dev.skald.grpc;

import dev.skald.api.v1.GetLoadRequest;
import dev.skald.api.v1.GetLoadResponse;
import dev.skald.api.v1.GetServerInfoRequest;
import dev.skald.api.v1.GetServerInfoResponse;
import dev.skald.api.v1.Limit;
import dev.skald.api.v1.ServerGrpc;
import dev.skald.service.InferenceException;
import dev.skald.service.LoadSnapshot;
import dev.skald.service.ServerInfo;
import io.grpc.stub.StreamObserver;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/** The Server service: what this process is and how busy. */
final class ServerService extends ServerGrpc.ServerImplBase {
    static final String API_VERSION = "v1";

    private final Supplier<Optional<Backend>> backend;
    private final DoorLimits limits;

    ServerService(Supplier<Optional<Backend>> backend, DoorLimits limits) {
        this.backend = backend;
        this.limits = limits;
    }

    @Override
    public void getServerInfo(GetServerInfoRequest request, StreamObserver<GetServerInfoResponse> out) {
        attempt(() -> {
            ServerInfo info = backend.get().orElseThrow(Door::loading).operations().info();
            GetServerInfoResponse.Builder response = GetServerInfoResponse.newBuilder()
                    .setVersion(info.version())
                    .setInstanceId(info.instanceId())
                    .setApiVersion(API_VERSION)
                    .setDevice(info.device());
            info.limits().forEach(limit -> response.addLimits(
                    Limit.newBuilder().setName(limit.name()).setValue(limit.value()).setUnit(limit.unit())));
            byteLimits().forEach((name, value) -> response.addLimits(Limit.newBuilder().setName(name).setValue(value).setUnit("bytes")));
            countLimits().forEach((name, value) -> response.addLimits(Limit.newBuilder().setName(name).setValue(value).setUnit("")));
            out.onNext(response.build());
            out.onCompleted();
        });
    }

    @Override
    public void getLoad(GetLoadRequest request, StreamObserver<GetLoadResponse> out) {
        attempt(() -> {
            LoadSnapshot load = backend.get().orElseThrow(Door::loading).operations().load();
            GetLoadResponse.Builder response = GetLoadResponse.newBuilder()
                    .setRunning(load.running())
                    .setWaiting(load.waiting())
                    .setPaused(load.paused())
                    .setQueuedPrefillTokens(load.queuedPrefillTokens())
                    .setKvBlocksUsed(load.kvBlocksUsed())
                    .setKvBlocksCached(load.kvBlocksCached())
                    .setKvBlocksTotal(load.kvBlocksTotal())
                    .setKvBlockTokens(load.kvBlockTokens());
            load.prefillTokensPerSecond().ifPresent(response::setPrefillTokensPerSecond);
            load.decodeTokensPerSecond().ifPresent(response::setDecodeTokensPerSecond);
            out.onNext(response.build());
            out.onCompleted();
        });
    }

    private Map<String, Integer> byteLimits() {
        Map<String, Integer> named = new LinkedHashMap<>();
        named.put("max_message_bytes", limits.maxMessageBytes());
        named.put("max_header_bytes", limits.maxHeaderBytes());
        named.put("stream_buffer_bytes", limits.streamBufferBytes());
        return named;
    }

    private Map<String, Integer> countLimits() {
        Map<String, Integer> named = new LinkedHashMap<>();
        named.put("max_connections", limits.maxConnections());
        named.put("max_streams_per_connection", limits.maxStreamsPerConnection());
        named.put("max_calls", limits.maxCalls());
        return named;
    }

    private static void attempt(Runnable body) {
        try {
            body.run();
        } catch (InferenceException e) {
            DoorCall.current().refuse(e);
        }
    }
}
