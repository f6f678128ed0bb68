package dev.skald.grpc;

import dev.skald.api.v1.AbortRequest;
import dev.skald.api.v1.AbortResponse;
import dev.skald.api.v1.AdminGrpc;
import dev.skald.api.v1.DrainRequest;
import dev.skald.api.v1.DrainResponse;
import dev.skald.api.v1.FlushPrefixCacheRequest;
import dev.skald.api.v1.FlushPrefixCacheResponse;
import dev.skald.service.InferenceException;
import io.grpc.Context;
import io.grpc.stub.StreamObserver;
import java.util.Optional;
import java.util.function.IntSupplier;
import java.util.function.Supplier;

/** The Admin service. Its methods run on virtual threads and may wait. */
final class AdminService extends AdminGrpc.AdminImplBase {
    static final int MAX_ABORTED_IDS = 1024;
    private static final long POLL_MILLIS = 20;
    private static final long MAX_WAIT_SECONDS = 3600;

    private final Supplier<Optional<Backend>> backend;
    private final Runnable closeDoor;
    private final IntSupplier remaining;

    /**
     * @param closeDoor take no more work
     * @param remaining requests that run or wait
     */
    AdminService(Supplier<Optional<Backend>> backend, Runnable closeDoor, IntSupplier remaining) {
        this.backend = backend;
        this.closeDoor = closeDoor;
        this.remaining = remaining;
    }

    @Override
    public void drain(DrainRequest request, StreamObserver<DrainResponse> out) {
        closeDoor.run();
        long waitSeconds = Math.clamp(request.getWait().getSeconds(), 0, MAX_WAIT_SECONDS);
        long end = System.nanoTime() + waitSeconds * 1_000_000_000L + request.getWait().getNanos();
        try {
            while (remaining.getAsInt() > 0 && System.nanoTime() - end < 0 && !Context.current().isCancelled()) Thread.sleep(POLL_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        out.onNext(DrainResponse.newBuilder().setRemaining(remaining.getAsInt()).build());
        out.onCompleted();
    }

    @Override
    public void abort(AbortRequest request, StreamObserver<AbortResponse> out) {
        attempt(() -> {
            if (request.getRequestIdsCount() > MAX_ABORTED_IDS) {
                throw InferenceException.invalid("OUT_OF_RANGE", "request_ids",
                        "request_ids has " + request.getRequestIdsCount() + " entries, more than " + MAX_ABORTED_IDS);
            }
            var aborted = loaded().operations().abort(request.getRequestIdsList());
            out.onNext(AbortResponse.newBuilder().addAllAbortedIds(aborted).build());
            out.onCompleted();
        });
    }

    @Override
    public void flushPrefixCache(FlushPrefixCacheRequest request, StreamObserver<FlushPrefixCacheResponse> out) {
        attempt(() -> {
            out.onNext(FlushPrefixCacheResponse.newBuilder().setFreedBlocks(loaded().operations().flushPrefixCache()).build());
            out.onCompleted();
        });
    }

    private Backend loaded() {
        return backend.get().orElseThrow(Door::loading);
    }

    private static void attempt(Runnable body) {
        try {
            body.run();
        } catch (InferenceException e) {
            DoorCall.current().refuse(e);
        }
    }
}
