package dev.skald.schedule;

/** Who comes before whom. */
final class Order {
    private Order() {}

    /** Of those who run: by class, then as they came. The first is served first, the last loses its place first. */
    static int running(Sequence a, Sequence b) {
        int byClass = Integer.compare(a.request.spec.priority(), b.request.spec.priority());
        return byClass != 0 ? byClass : arrival(a, b);
    }

    /** Of those who wait: by class; inside, who has waited too long, then the earliest deadline, then as they came. */
    static int waiting(Sequence a, Sequence b, long nowNanos, long ageingNanos) {
        int byClass = Integer.compare(a.request.spec.priority(), b.request.spec.priority());
        if (byClass != 0) return byClass;
        boolean oldA = nowNanos - a.request.arrivalNanos >= ageingNanos;
        boolean oldB = nowNanos - b.request.arrivalNanos >= ageingNanos;
        if (oldA != oldB) return oldA ? -1 : 1;
        int byDeadline = oldA ? 0 : deadline(a.request.spec, b.request.spec);
        return byDeadline != 0 ? byDeadline : arrival(a, b);
    }

    private static int deadline(EngineRequest a, EngineRequest b) {
        if (a.deadlineNanos().isEmpty() || b.deadlineNanos().isEmpty()) {
            return Boolean.compare(a.deadlineNanos().isEmpty(), b.deadlineNanos().isEmpty());
        }
        return Long.signum(a.deadlineNanos().getAsLong() - b.deadlineNanos().getAsLong());
    }

    private static int arrival(Sequence a, Sequence b) {
        int byRequest = Long.compare(a.request.order, b.request.order);
        return byRequest != 0 ? byRequest : Integer.compare(a.choice, b.choice);
    }
}
