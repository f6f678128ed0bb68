package dev.skald.grpc;

import dev.skald.api.v1.GenerateStreamRequest;
import dev.skald.api.v1.GenerateStreamResponse;
import dev.skald.api.v1.InferenceGrpc;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/** A door on a real port, before a scripted Inference, and channels to it. */
public final class DoorFixture implements AutoCloseable {
    public final ScriptedInference inference = new ScriptedInference();
    public final Door door;
    private final List<ManagedChannel> channels = new ArrayList<>();

    public DoorFixture() throws Exception {
        this(DoorConfig.loopback());
    }

    public DoorFixture(DoorConfig config) throws Exception {
        door = Door.open(config);
        door.serve(inference, inference);
    }

    public ManagedChannel channel() {
        ManagedChannel channel = NettyChannelBuilder.forAddress("127.0.0.1", door.port()).usePlaintext().build();
        channels.add(channel);
        return channel;
    }

    /** Takes little before its reader does. */
    public ManagedChannel narrowChannel() {
        ManagedChannel channel = NettyChannelBuilder.forAddress("127.0.0.1", door.port()).usePlaintext().flowControlWindow(64 << 10).build();
        channels.add(channel);
        return channel;
    }

    public ManagedChannel adminChannel() {
        ManagedChannel channel = NettyChannelBuilder.forAddress("127.0.0.1", door.adminPort().orElseThrow()).usePlaintext().build();
        channels.add(channel);
        return channel;
    }

    public InferenceGrpc.InferenceBlockingStub stub() {
        return InferenceGrpc.newBlockingStub(channel()).withDeadlineAfter(20, TimeUnit.SECONDS);
    }

    /** Limits with patience that suits a test. */
    public static DoorLimits limits(int streams, int connections, int bufferBytes, Duration slowReader) {
        DoorLimits d = DoorLimits.DEFAULT;
        return new DoorLimits(d.maxMessageBytes(), d.maxHeaderBytes(), connections, streams, d.maxCalls(), d.maxInboundBytes(), d.maxOutboundBytes(),
                bufferBytes, d.receiveTimeout(), slowReader, Duration.ofSeconds(5), d.keepAliveTime(), d.keepAliveTimeout(), d.permitKeepAliveTime(),
                d.maxConnectionIdle(), d.maxConnectionAge(), d.maxResetsPerWindow());
    }

    /** Waits generously for something to become true. */
    public static void await(String what, BooleanSupplier condition) throws InterruptedException {
        long end = System.nanoTime() + Duration.ofSeconds(20).toNanos();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() > end) throw new AssertionError("never happened: " + what);
            Thread.sleep(5);
        }
    }

    /** A stream that is read by hand: nothing is asked for unless the test does. */
    public static final class ManualStream implements ClientResponseObserver<GenerateStreamRequest, GenerateStreamResponse> {
        public final BlockingQueue<GenerateStreamResponse> received = new LinkedBlockingQueue<>();
        public final CompletableFuture<Status> ended = new CompletableFuture<>();
        public final CompletableFuture<Throwable> error = new CompletableFuture<>();
        public ClientCallStreamObserver<GenerateStreamRequest> call;

        @Override
        public void beforeStart(ClientCallStreamObserver<GenerateStreamRequest> stream) {
            call = stream;
            stream.disableAutoRequestWithInitial(0);
        }

        @Override
        public void onNext(GenerateStreamResponse value) {
            received.add(value);
        }

        @Override
        public void onError(Throwable t) {
            error.complete(t);
            ended.complete(Status.fromThrowable(t));
        }

        @Override
        public void onCompleted() {
            ended.complete(Status.OK);
        }

        public GenerateStreamResponse next() throws InterruptedException {
            call.request(1);
            GenerateStreamResponse message = received.poll(20, TimeUnit.SECONDS);
            if (message == null) throw new AssertionError("no message; ended: " + ended.getNow(null));
            return message;
        }

        public Status status() throws Exception {
            return ended.get(20, TimeUnit.SECONDS);
        }
    }

    @Override
    public void close() {
        inference.running.forEach(ScriptedInference.Run::cancel);
        channels.forEach(ManagedChannel::shutdownNow);
        door.close();
    }
}
