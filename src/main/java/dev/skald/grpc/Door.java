package dev.skald.grpc;

import dev.skald.service.ContinuationScorer;
import dev.skald.service.Health;
import dev.skald.service.Inference;
import dev.skald.service.InferenceException;
import dev.skald.service.Operations;
import io.grpc.BindableService;
import io.grpc.Server;
import io.grpc.ServerInterceptors;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.protobuf.services.ProtoReflectionServiceV1;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The gRPC door. Opens its ports at once and refuses work as UNAVAILABLE until {@link #serve}; closes by {@link #drain} or {@link #close}.
 * All methods may be called from any thread; drain and close block.
 */
public final class Door implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(Door.class);
    private static final int IO_THREADS = 2;
    /** Parts of one ScoreContinuations request that run at a time. */
    private static final int SCORE_CONCURRENCY = 8;
    private static final long TICK_MILLIS = 100;
    private static final Duration GOAWAY_GRACE = Duration.ofSeconds(2);

    private final DoorConfig config;
    private final Calls calls;
    private final ConnectionGate gate;
    private final HealthService health;
    private final EventLoopGroup acceptor = new MultiThreadIoEventLoopGroup(1, new DefaultThreadFactory("skald-accept", true), NioIoHandler.newFactory());
    private final EventLoopGroup workers = new MultiThreadIoEventLoopGroup(IO_THREADS, new DefaultThreadFactory("skald-io", true), NioIoHandler.newFactory());
    private final ExecutorService handlers = Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("skald-call-", 0).factory());
    private final ScheduledExecutorService timer =
            Executors.newSingleThreadScheduledExecutor(Thread.ofPlatform().name("skald-door-timer").daemon().factory());
    private final Server server;
    private final Optional<Server> admin;

    private volatile Optional<Backend> backend = Optional.empty();
    private volatile boolean draining;

    /** @throws IOException in one sentence: a port in use, a certificate that can't be read */
    public static Door open(DoorConfig config) throws IOException {
        Door door = new Door(config);
        try {
            door.start();
            return door;
        } catch (IOException e) {
            door.close();
            throw e;
        }
    }

    private Door(DoorConfig config) throws IOException {
        this.config = config;
        this.calls = new Calls(config.limits());
        this.gate = new ConnectionGate(config.limits().maxConnections());
        this.health = new HealthService(this::health);
        CallGuard guard = new CallGuard(calls, config.allowUnknownFields(), this::closedBecause);
        InferenceService inference = new InferenceService(
                () -> backend.orElseThrow(Door::loading), config.limits(), config.logPrompts(), new ContinuationScorer(SCORE_CONCURRENCY));
        ServerService info = new ServerService(() -> backend, config.limits());

        NettyServerBuilder open = builder(new InetSocketAddress(InetAddress.getByName(config.host()), config.port()), gate);
        if (config.tls().isPresent()) open.sslContext(config.tls().get().serverContext());
        open.addService(ServerInterceptors.intercept(EarlyHeaders.of(inference.bindService()), guard));
        open.addService(ServerInterceptors.intercept(new ModelsService(() -> backend), guard));
        open.addService(ServerInterceptors.intercept(info, guard));
        addStandardServices(open);
        this.server = open.build();

        this.admin = config.adminPort().isEmpty() ? Optional.empty() : Optional.of(adminServer(config.adminPort().getAsInt(), guard, info));
    }

    private Server adminServer(int port, CallGuard guard, ServerService info) {
        NettyServerBuilder builder = builder(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), new ConnectionGate(config.limits().maxConnections()));
        AdminService service = new AdminService(() -> backend, this::stopWork, () -> calls.openWork().size());
        builder.addService(ServerInterceptors.intercept(service, guard));
        builder.addService(ServerInterceptors.intercept(info, guard));
        addStandardServices(builder);
        return builder.build();
    }

    private NettyServerBuilder builder(InetSocketAddress address, ConnectionGate connections) {
        DoorLimits limits = config.limits();
        return NettyServerBuilder.forAddress(address)
                .channelFactory(connections.channelFactory())
                .bossEventLoopGroup(acceptor)
                .workerEventLoopGroup(workers)
                .executor(handlers)
                .addStreamTracerFactory(InboundStream.factory(calls))
                .flowControlWindow(DoorLimits.FLOW_CONTROL_WINDOW_BYTES)
                .maxInboundMessageSize(limits.maxMessageBytes())
                .maxInboundMetadataSize(limits.maxHeaderBytes())
                .maxConcurrentCallsPerConnection(limits.maxStreamsPerConnection())
                .maxRstFramesPerWindow(limits.maxResetsPerWindow(), (int) DoorLimits.RESET_WINDOW.toSeconds())
                .handshakeTimeout(limits.handshakeTimeout().toMillis(), TimeUnit.MILLISECONDS)
                .keepAliveTime(limits.keepAliveTime().toMillis(), TimeUnit.MILLISECONDS)
                .keepAliveTimeout(limits.keepAliveTimeout().toMillis(), TimeUnit.MILLISECONDS)
                .permitKeepAliveTime(limits.permitKeepAliveTime().toMillis(), TimeUnit.MILLISECONDS)
                .permitKeepAliveWithoutCalls(true)
                .maxConnectionIdle(limits.maxConnectionIdle().toMillis(), TimeUnit.MILLISECONDS)
                .maxConnectionAge(limits.maxConnectionAge().toMillis(), TimeUnit.MILLISECONDS);
    }

    /** Health and reflection. Clients still ask for the deprecated v1alpha. */
    @SuppressWarnings("deprecation")
    private void addStandardServices(NettyServerBuilder builder) {
        List<BindableService> standard = List.of(
                health, ProtoReflectionServiceV1.newInstance(), io.grpc.protobuf.services.ProtoReflectionService.newInstance());
        standard.forEach(builder::addService);
    }

    private void start() throws IOException {
        start(server, config.host() + ":" + config.port());
        if (admin.isPresent()) start(admin.get(), "the admin port " + config.adminPort().getAsInt());
        timer.scheduleWithFixedDelay(this::tick, TICK_MILLIS, TICK_MILLIS, TimeUnit.MILLISECONDS);
    }

    private static void start(Server server, String where) throws IOException {
        try {
            server.start();
        } catch (IOException e) {
            Throwable root = e;
            while (root.getCause() != null) root = root.getCause();
            throw new IOException("cannot listen on " + where + ": " + root.getMessage(), e);
        }
    }

    private void tick() {
        try {
            calls.sweep(System.nanoTime());
            health.tick();
        } catch (RuntimeException e) {
            log.error("the door's timer failed; it goes on", e);
        }
    }

    /** Lets work in. Health is what {@code operations} says from now on. */
    public void serve(Inference inference, Operations operations) {
        backend = Optional.of(new Backend(inference, operations));
    }

    public int port() {
        return server.getPort();
    }

    public OptionalInt adminPort() {
        return admin.map(Server::getPort).map(OptionalInt::of).orElseGet(OptionalInt::empty);
    }

    /** Connections to the public port. */
    public int openConnections() {
        return gate.openConnections();
    }

    /** Calls of all kinds that are not over, with what their unread answers and unfinished requests hold. */
    public Holdings holdings() {
        return new Holdings(calls.openCalls(), calls.inbound.used(), calls.outbound.used());
    }

    /** @param inboundBytes of requests that are still arriving, @param outboundBytes of unary answers that are not taken yet */
    public record Holdings(int calls, long inboundBytes, long outboundBytes) {}

    /**
     * Ends the door in order: NOT_SERVING at once and new calls UNAVAILABLE; still listening for {@code drainDelay}, so that whoever balances
     * load can see it; then GOAWAY, and streams finish, or are cut after {@code shutdownTimeout}. The door is closed when this returns.
     *
     * @return whether streams were cut
     */
    public boolean drain(Duration drainDelay, Duration shutdownTimeout) throws InterruptedException {
        stopWork();
        Thread.sleep(drainDelay);
        server.shutdown();
        admin.ifPresent(Server::shutdown);
        boolean cut = !calls.awaitNoWork(shutdownTimeout);
        if (cut) {
            InferenceException reason = Errors.of(InferenceException.Kind.UNAVAILABLE, "SHUTDOWN", "the server ended before the answer did");
            calls.openWork().forEach(call -> call.refuse(reason));
        }
        health.endWatches();
        server.awaitTermination(GOAWAY_GRACE.toMillis(), TimeUnit.MILLISECONDS);
        close();
        return cut;
    }

    private void stopWork() {
        draining = true;
        backend.ifPresent(loaded -> loaded.operations().drain());
    }

    private Optional<InferenceException> closedBecause() {
        if (draining) return Optional.of(Errors.of(InferenceException.Kind.UNAVAILABLE, "DRAINING", "the server is draining; ask another one"));
        return backend.isEmpty() ? Optional.of(loading()) : Optional.empty();
    }

    static InferenceException loading() {
        return new InferenceException(
                InferenceException.Kind.UNAVAILABLE, "LOADING", "", "the model is loading", Optional.of(Duration.ofSeconds(1)));
    }

    private Health health() {
        Health now = backend.map(loaded -> loaded.operations().health()).orElse(Health.LOADING);
        return draining ? new Health(false, now.alive()) : now;
    }

    /** Ends at once; whatever runs is cut. The Inference stays open: it is its owner's. */
    @Override
    public void close() {
        draining = true;
        server.shutdownNow();
        admin.ifPresent(Server::shutdownNow);
        timer.shutdownNow();
        try {
            server.awaitTermination(GOAWAY_GRACE.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        workers.shutdownGracefully(0, 1, TimeUnit.SECONDS);
        acceptor.shutdownGracefully(0, 1, TimeUnit.SECONDS);
        handlers.shutdown();
    }
}
