package dev.skald.engine;

import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Commands to the engine. Bounded by what can be in it: a request is there once as new and once because its owner wants something, flushing is
 * there once, and the number of requests is limited. Any thread offers, the engine thread takes.
 */
final class Mailbox {
    sealed interface Command {
        record Add(RunningRequest request) implements Command {}

        /** The request's owner wants something: see {@link RunningRequest#apply}. */
        record Apply(RunningRequest request) implements Command {}

        record Flush() implements Command {}
    }

    private final Queue<Command> commands = new ConcurrentLinkedQueue<>();
    private final AtomicBoolean flushing = new AtomicBoolean();
    private volatile Runnable wake = () -> {};

    /** @param waker called after each offer, by the offering thread */
    void onOffer(Runnable waker) {
        wake = waker;
    }

    void add(RunningRequest request) {
        offer(new Command.Add(request));
    }

    /** The request sees to it that it is not here twice. */
    void apply(RunningRequest request) {
        offer(new Command.Apply(request));
    }

    void flush() {
        if (flushing.compareAndSet(false, true)) offer(new Command.Flush());
    }

    boolean isEmpty() {
        return commands.isEmpty();
    }

    int size() {
        return commands.size();
    }

    /** @return the next command, or null if there is none */
    Command take() {
        Command command = commands.poll();
        if (command instanceof Command.Flush) flushing.set(false);
        return command;
    }

    private void offer(Command command) {
        commands.add(command);
        wake.run();
    }
}
