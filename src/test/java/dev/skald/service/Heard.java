package dev.skald.service;

import dev.skald.service.InferenceEvent.Completed;
import dev.skald.service.InferenceEvent.Delta;
import dev.skald.service.InferenceEvent.Failed;
import dev.skald.service.InferenceEvent.Finished;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/** An observer that remembers everything, and that nothing comes after the last event. */
final class Heard implements InferenceObserver {
    final List<InferenceEvent> events = new CopyOnWriteArrayList<>();
    private final CountDownLatch ended = new CountDownLatch(1);

    @Override
    public void onEvent(InferenceEvent event) {
        if (ended.getCount() == 0) events.add(null);
        events.add(event);
        if (event instanceof Completed || event instanceof Failed) ended.countDown();
    }

    /** All events, once the last has come. */
    List<InferenceEvent> all() throws InterruptedException {
        if (!ended.await(20, TimeUnit.SECONDS)) throw new AssertionError("no end after " + events);
        return List.copyOf(events);
    }

    List<Delta> deltas(int choice) throws InterruptedException {
        return all().stream().filter(Delta.class::isInstance).map(Delta.class::cast).filter(d -> d.choice() == choice).toList();
    }

    String text(int choice) throws InterruptedException {
        return deltas(choice).stream().map(Delta::text).collect(Collectors.joining());
    }

    List<Integer> ids(int choice) throws InterruptedException {
        return deltas(choice).stream().flatMap(d -> d.ids().stream()).toList();
    }

    Finished finished(int choice) throws InterruptedException {
        return all().stream().filter(Finished.class::isInstance).map(Finished.class::cast).filter(f -> f.choice() == choice).findFirst().orElseThrow();
    }

    Completed completed() throws InterruptedException {
        return (Completed) all().getLast();
    }

    InferenceException failure() throws InterruptedException {
        return ((Failed) all().getLast()).cause();
    }
}
