package dev.skald.batch;

import dev.skald.service.Inference;
import java.util.Optional;

/** A lane whose state a test sets. */
final class TestLane implements Lane {
    final String name;
    final EchoInference inference;
    final int capacity;
    final boolean remote;
    volatile State state = new State.Up();
    volatile int others;
    volatile Optional<String> broken = Optional.empty();
    /** What becomes of it when a call is lost; the state it has then. */
    volatile State whenLost = new State.Up();

    TestLane(String name, EchoInference inference, int capacity, boolean remote) {
        this.name = name;
        this.inference = inference;
        this.capacity = capacity;
        this.remote = remote;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public State state() {
        return state;
    }

    @Override
    public Inference inference() {
        return inference;
    }

    @Override
    public int capacity() {
        return capacity;
    }

    @Override
    public int others(int ours) {
        return others;
    }

    @Override
    public void lost(String why) {
        state = whenLost;
    }

    @Override
    public void refuse(String why) {
        state = new State.Refused(why);
    }

    @Override
    public Optional<String> broken() {
        return broken;
    }

    @Override
    public boolean remote() {
        return remote;
    }

    @Override
    public void close() {}
}
