package dev.skald.batch;

import dev.skald.service.Inference;
import java.util.Optional;
import java.util.function.Supplier;

/** The engine of this process. Whoever started it closes it. */
final class LocalLane implements Lane {
    private final Inference inference;
    private final Supplier<Optional<String>> broken;
    private final int capacity;

    /** @param broken says what broke the engine; being stuck, as after a stopped process goes on, breaks none */
    LocalLane(Inference inference, Supplier<Optional<String>> broken, int capacity) {
        this.inference = inference;
        this.broken = broken;
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

    @Override
    public Optional<String> broken() {
        return broken.get();
    }

    @Override
    public boolean remote() {
        return false;
    }

    @Override
    public void close() {}
}
