package dev.skald.cli;

import dev.skald.compute.DeviceLostException;
import dev.skald.engine.Engine;
import dev.skald.engine.EngineHealth;
import dev.skald.grpc.Door;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntConsumer;

/** Waits until the daemon is told to end or its engine breaks, then ends it in order. Owned by the main thread; signals only count. */
final class ServeLoop {
    private static final long LOOK_MILLIS = 200;
    /** A broken engine's clients are told within this time; then the process ends, told or not. */
    private static final Duration BROKEN_GRACE = Duration.ofSeconds(4);

    private final Stdio stdio;
    private final Duration drainDelay;
    private final Duration shutdownTimeout;
    private final IntConsumer halt;
    private final CountDownLatch told = new CountDownLatch(1);
    private final AtomicInteger signals = new AtomicInteger();
    private volatile boolean serving;

    ServeLoop(Stdio stdio, Duration drainDelay, Duration shutdownTimeout) {
        this(stdio, drainDelay, shutdownTimeout, Runtime.getRuntime()::halt);
    }

    /** @param halt ends the process at once */
    ServeLoop(Stdio stdio, Duration drainDelay, Duration shutdownTimeout, IntConsumer halt) {
        this.stdio = stdio;
        this.drainDelay = drainDelay;
        this.shutdownTimeout = shutdownTimeout;
        this.halt = halt;
    }

    /** SIGTERM and SIGINT end the daemon from here on: at once while it is loading, since nobody is served yet. */
    void obeySignals() {
        Signals.handle("TERM", this::signal);
        Signals.handle("INT", this::signal);
    }

    void signal() {
        if (!serving) {
            stdio.err().println("ended while loading");
            halt.accept(ExitCode.OK);
        } else if (signals.incrementAndGet() > 1) {
            stdio.err().println("ended at once");
            halt.accept(ExitCode.FAILED);
        }
        told.countDown();
    }

    /** From here on somebody is served, and ending takes care of them. */
    void beginServing() {
        serving = true;
    }

    /** @return the exit code */
    int run(Door door, Engine engine) throws InterruptedException {
        while (!told.await(LOOK_MILLIS, TimeUnit.MILLISECONDS)) {
            if (engine.health() instanceof EngineHealth.Broken broken) return broken(broken);
        }
        stdio.err().println("draining: new calls are refused, streams have " + shutdownTimeout.toSeconds() + " s to finish");
        boolean cut = door.drain(drainDelay, shutdownTimeout);
        if (engine.health() instanceof EngineHealth.Broken broken) return broken(broken);
        stdio.err().println(cut ? "ended; streams were cut" : "ended");
        return cut ? ExitCode.FAILED : ExitCode.OK;
    }

    private int broken(EngineHealth.Broken broken) {
        boolean lost = broken.cause() instanceof DeviceLostException;
        int code = lost ? ExitCode.DEVICE_LOST : ExitCode.INVARIANT_BROKEN;
        stdio.err().println(lost
                ? "skald: all requests have failed: " + broken.cause().getMessage()
                : "skald: the engine is broken and has failed all its requests: " + broken.cause());
        Thread.ofPlatform().daemon().name("skald-last-word").start(() -> {
            try {
                Thread.sleep(BROKEN_GRACE);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            halt.accept(code);
        });
        return code;
    }
}
