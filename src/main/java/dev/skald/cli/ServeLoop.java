package dev.skald.cli;

import dev.skald.engine.Engine;
import dev.skald.engine.EngineHealth;
import dev.skald.grpc.Door;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** Waits until the daemon is told to end or its engine breaks, then ends it in order. Owned by the main thread; signals only count. */
final class ServeLoop {
    private static final long LOOK_MILLIS = 500;

    private final Stdio stdio;
    private final Door door;
    private final Engine engine;
    private final Duration drainDelay;
    private final Duration shutdownTimeout;
    private final CountDownLatch told = new CountDownLatch(1);
    private final AtomicInteger signals = new AtomicInteger();

    ServeLoop(Stdio stdio, Door door, Engine engine, Duration drainDelay, Duration shutdownTimeout) {
        this.stdio = stdio;
        this.door = door;
        this.engine = engine;
        this.drainDelay = drainDelay;
        this.shutdownTimeout = shutdownTimeout;
    }

    /** @return the exit code */
    int run() throws InterruptedException {
        Signals.handle("TERM", this::signal);
        Signals.handle("INT", this::signal);
        while (!told.await(LOOK_MILLIS, TimeUnit.MILLISECONDS)) {
            if (engine.health() instanceof EngineHealth.Broken broken) {
                stdio.err().println("skald: the engine is broken and has failed all its requests: " + broken.cause());
                return ExitCode.INVARIANT_BROKEN;
            }
        }
        stdio.err().println("draining: new calls are refused, streams have " + shutdownTimeout.toSeconds() + " s to finish");
        boolean cut = door.drain(drainDelay, shutdownTimeout);
        stdio.err().println(cut ? "ended; streams were cut" : "ended");
        return cut ? ExitCode.FAILED : ExitCode.OK;
    }

    private void signal() {
        if (signals.incrementAndGet() > 1) Runtime.getRuntime().halt(ExitCode.FAILED);
        told.countDown();
    }
}
