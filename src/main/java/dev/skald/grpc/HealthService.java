package dev.skald.grpc;

import dev.skald.api.health.v1.HealthCheckRequest;
import dev.skald.api.health.v1.HealthCheckResponse;
import dev.skald.api.health.v1.HealthCheckResponse.ServingStatus;
import dev.skald.api.health.v1.HealthGrpc;
import dev.skald.api.health.v1.HealthListRequest;
import dev.skald.api.health.v1.HealthListResponse;
import dev.skald.service.Health;
import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;

/** The standard health service. Asked, it asks; watched, it looks whenever the door's timer ticks. */
final class HealthService extends HealthGrpc.HealthImplBase {
    static final String READY = DoorCall.WORK;
    static final String LIVE = "skald.live";

    private final Supplier<Health> health;
    private final Set<Watcher> watchers = ConcurrentHashMap.newKeySet();

    HealthService(Supplier<Health> health) {
        this.health = health;
    }

    @Override
    public void check(HealthCheckRequest request, StreamObserver<HealthCheckResponse> out) {
        ServingStatus status = status(request.getService());
        if (status == ServingStatus.SERVICE_UNKNOWN) {
            out.onError(Status.NOT_FOUND.withDescription("no health is kept for " + Fields.quote(request.getService())).asRuntimeException());
            return;
        }
        out.onNext(response(status));
        out.onCompleted();
    }

    @Override
    public void list(HealthListRequest request, StreamObserver<HealthListResponse> out) {
        out.onNext(HealthListResponse.newBuilder()
                .putAllStatuses(Map.of("", response(status("")), READY, response(status(READY)), LIVE, response(status(LIVE))))
                .build());
        out.onCompleted();
    }

    @Override
    public void watch(HealthCheckRequest request, StreamObserver<HealthCheckResponse> out) {
        ServerCallStreamObserver<HealthCheckResponse> stream = (ServerCallStreamObserver<HealthCheckResponse>) out;
        Watcher watcher = new Watcher(request.getService(), stream);
        stream.setOnCancelHandler(() -> watchers.remove(watcher));
        watchers.add(watcher);
        watcher.look();
    }

    /** By the door's timer. */
    void tick() {
        watchers.forEach(Watcher::look);
    }

    /** The door is about to go: nobody need wait for a change any more. */
    void endWatches() {
        watchers.forEach(Watcher::end);
        watchers.clear();
    }

    private ServingStatus status(String service) {
        Health now = health.get();
        return switch (service) {
            case "", READY -> now.ready() ? ServingStatus.SERVING : ServingStatus.NOT_SERVING;
            case LIVE -> now.alive() ? ServingStatus.SERVING : ServingStatus.NOT_SERVING;
            default -> ServingStatus.SERVICE_UNKNOWN;
        };
    }

    private static HealthCheckResponse response(ServingStatus status) {
        return HealthCheckResponse.newBuilder().setStatus(status).build();
    }

    private final class Watcher {
        private final String service;
        private final ServerCallStreamObserver<HealthCheckResponse> out;
        private ServingStatus told = ServingStatus.UNKNOWN;
        private boolean over;

        Watcher(String service, ServerCallStreamObserver<HealthCheckResponse> out) {
            this.service = service;
            this.out = out;
        }

        /** Tells a change; a watcher that doesn't read gets the latest once it does. */
        synchronized void look() {
            ServingStatus now = status(service);
            if (over || now == told || out.isCancelled() || !out.isReady()) return;
            told = now;
            out.onNext(response(now));
        }

        synchronized void end() {
            if (over || out.isCancelled()) return;
            over = true;
            out.onError(Status.UNAVAILABLE.withDescription("the server is shutting down").asRuntimeException());
        }
    }
}
