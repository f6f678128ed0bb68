package dev.skald.batch;

import dev.skald.service.Inference;
import dev.skald.service.Operations;
import java.util.Optional;

/** The engine of this process. Whoever started it closes it. */
final class LocalLane implements Lane {
    private final Inference inference;
    private final Operations operations;
    private final int capacity;

    LocalLane(Inference inference, Operations operations, int capacity) {
        this.inference = inference;
        this.operations = operations;
        this.capacity = capacity;
    }

    @Override
    public String name() {
        return "this process";
    }

    @Override
    public State state() {
        return new State.Up();
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
        return 0;
    }

    @Override
    public void lost(String why) {}

    @Override
    public void refuse(String why) {}

    /** An engine that is stuck, as after a stopped process goes on, is no broken one: it fails nobody's request. */
    @Override
    public Optional<String> broken() {
        return operations.health().alive() ? Optional.empty() : Optional.of("the engine is broken");
    }

    @Override
    public boolean remote() {
        return false;
    }

    @Override
    public void close() {}
}
