package dev.skald.batch;

import dev.skald.client.Endpoint;
import dev.skald.client.SkaldClient;
import dev.skald.service.Inference;
import dev.skald.service.InferenceException;
import dev.skald.service.LoadSnapshot;
import dev.skald.service.ServerInfo;
import java.io.IOException;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;

/**
 * A daemon. A thread of its own asks for its load every second, and, while nobody answers, whether it is back, and still serves the same
 * model.
 */
final class RemoteLane implements Lane {
    private static final int DEFAULT_SEQUENCES = 64;
    private static final int WATCH_MILLIS = 1000;
    private static final int WATCH_DOWN_MILLIS = 250;

    private final Endpoint endpoint;
    private final SkaldClient client;
    private final OptionalInt asked;
    private final CountDownLatch closed = new CountDownLatch(1);
    private final CountDownLatch firstLook = new CountDownLatch(1);
    /** Says why a model is refused; set before the first line is given away. */
    private volatile Function<ModelFacts, Optional<String>> judge = facts -> Optional.empty();

    private volatile State state = new State.Down("not asked yet");
    private volatile Optional<Inference> inference = Optional.empty();
    private volatile Optional<ModelFacts> facts = Optional.empty();
    private volatile int sequences = DEFAULT_SEQUENCES;
    private volatile Optional<LoadSnapshot> load = Optional.empty();

    /** @param asked sequences at a time; empty: twice as many as the daemon runs at once */
    RemoteLane(Endpoint endpoint, OptionalInt asked) throws IOException {
        this.endpoint = endpoint;
        this.asked = asked;
        client = new SkaldClient(endpoint);
        Thread.ofVirtual().name("skald-batch-watch-" + endpoint.target()).start(this::watch);
    }

    private void watch() {
        try {
            do {
                look();
                firstLook.countDown();
            } while (!closed.await(state instanceof State.Up ? WATCH_MILLIS : WATCH_DOWN_MILLIS, TimeUnit.MILLISECONDS));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void look() {
        try {
            if (state instanceof State.Up) {
                load = Optional.of(client.load());
            } else {
                // gRPC waits longer and longer before it tries a dead address again; we look at our own pace.
                client.channel().resetConnectBackoff();
                ask();
            }
        } catch (InferenceException e) {
            if (state instanceof State.Up && e.kind() != InferenceException.Kind.UNAVAILABLE) return; // busy, not gone
            if (!(state instanceof State.Refused)) lost(e.getMessage());
        }
    }

    private void ask() {
        Inference found = client.inference();
        ModelFacts now = ModelFacts.of(found);
        sequences = client.serverInfo().limits().stream().filter(l -> l.name().equals("max_num_seqs"))
                .mapToInt((ServerInfo.Limit l) -> (int) l.value()).findFirst().orElse(DEFAULT_SEQUENCES);
        inference = Optional.of(found);
        facts = Optional.of(now);
        Optional<String> refusal = judge.apply(now);
        if (refusal.isPresent()) {
            state = new State.Refused(refusal.get());
        } else if (client.health().ready()) {
            state = new State.Up();
        } else {
            state = new State.Down("it is not ready: loading, or draining");
        }
    }

    /** Waits for the first answer, or the first refusal. @return whether there was one in time */
    boolean awaitFirstLook(long millis) throws InterruptedException {
        return firstLook.await(millis, TimeUnit.MILLISECONDS);
    }

    /** Of the model that it serves; empty until it has answered. */
    Optional<ModelFacts> facts() {
        return facts;
    }

    /** @param why a model must not be used; what is known already is judged at once */
    void judge(Function<ModelFacts, Optional<String>> why) {
        judge = why;
        facts.flatMap(why).ifPresent(this::refuse);
    }

    @Override
    public String name() {
        return endpoint.target();
    }

    @Override
    public State state() {
        return state;
    }

    @Override
    public Inference inference() {
        return inference.orElseThrow();
    }

    @Override
    public int capacity() {
        return asked.orElse(2 * sequences);
    }

    @Override
    public int others(int ours) {
        return load.map(l -> Math.max(0, l.running() + l.waiting() - ours)).orElse(0);
    }

    @Override
    public void lost(String why) {
        if (!(state instanceof State.Refused)) state = new State.Down(why);
    }

    @Override
    public void refuse(String why) {
        state = new State.Refused(why);
    }

    @Override
    public Optional<String> broken() {
        return Optional.empty();
    }

    @Override
    public boolean remote() {
        return true;
    }

    @Override
    public void close() {
        closed.countDown();
        client.close();
    }
}
