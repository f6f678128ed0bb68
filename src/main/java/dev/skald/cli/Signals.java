package dev.skald.cli;

import sun.misc.Signal;
import sun.misc.SignalHandler;

/** Signals, which the JVM itself would answer by exiting with 143 or 130. */
final class Signals {
    private Signals() {}

    /** @param name without SIG, @param handler runs on a thread of the JVM's @return puts back what was there before */
    static Runnable handle(String name, Runnable handler) {
        SignalHandler before = Signal.handle(new Signal(name), signal -> handler.run());
        return () -> Signal.handle(new Signal(name), before);
    }
}
