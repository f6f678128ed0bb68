package dev.skald.cli;

import sun.misc.Signal;

/** Signals, which the JVM itself would answer by exiting with 143 or 130. */
final class Signals {
    private Signals() {}

    /** @param name without SIG, @param handler runs on a thread of the JVM's */
    static void handle(String name, Runnable handler) {
        Signal.handle(new Signal(name), signal -> handler.run());
    }
}
