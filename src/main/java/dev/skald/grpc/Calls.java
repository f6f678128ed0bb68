package dev.skald.grpc;

import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The calls of {@code skald.v1} that the door has taken and not finished, the streams whose request is still arriving, and the bytes they
 * hold. Any thread; {@link #sweep} by the door's timer.
 */
final class Calls {
    private static final long POLL_MILLIS = 20;

    private final DoorLimits limits;
    final ByteBudget inbound;
    final ByteBudget outbound;

    private final Set<DoorCall<?, ?>> open = ConcurrentHashMap.newKeySet();
    private final Set<InboundStream> arriving = ConcurrentHashMap.newKeySet();

    Calls(DoorLimits limits) {
        this.limits = limits;
        this.inbound = new ByteBudget(limits.maxInboundBytes());
        this.outbound = new ByteBudget(limits.maxOutboundBytes());
    }

    DoorLimits limits() {
        return limits;
    }

    /** @return false when there are too many */
    boolean enter(DoorCall<?, ?> call) {
        // The check and the addition may race by as many calls as there are threads: the limit guards memory, not a promise.
        if (open.size() >= limits.maxCalls()) return false;
        open.add(call);
        return true;
    }

    void leave(DoorCall<?, ?> call) {
        open.remove(call);
    }

    void arriving(InboundStream stream) {
        arriving.add(stream);
    }

    void arrived(InboundStream stream) {
        arriving.remove(stream);
    }

    int openCalls() {
        return open.size();
    }

    /** Calls that ask the model for something: not those of operators. */
    List<DoorCall<?, ?>> openWork() {
        return open.stream().<DoorCall<?, ?>>filter(DoorCall::isWork).toList();
    }

    /** Waits until no work is open. @return false after {@code timeout} with some still open */
    boolean awaitNoWork(Duration timeout) throws InterruptedException {
        long end = System.nanoTime() + timeout.toNanos();
        while (!openWork().isEmpty()) {
            if (System.nanoTime() - end >= 0) return false;
            Thread.sleep(POLL_MILLIS);
        }
        return true;
    }

    /** Ends what takes too long: requests that don't arrive, answers that aren't taken. */
    void sweep(long nowNanos) {
        for (InboundStream stream : arriving) stream.refuseIfLate(nowNanos, limits.receiveTimeout());
        for (DoorCall<?, ?> call : open) call.resetIfLate(nowNanos);
    }
}
