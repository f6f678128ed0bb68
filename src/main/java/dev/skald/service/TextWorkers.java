package dev.skald.service;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * The threads on which prompts become tokens and tokens become text. A call stays on the worker that it was given, so its state needs no
 * lock. A call is in its worker's queue at most once, so that the queue is no longer than the number of calls; what waits inside a call is
 * bounded by {@link LocalCall}.
 */
public final class TextWorkers implements AutoCloseable {
    private static final Logger LOG = Logger.getLogger(TextWorkers.class.getName());
    private static final Runnable END = () -> {};

    private final List<Worker> workers = new ArrayList<>();
    private final AtomicInteger next = new AtomicInteger();

    /** @param threads at least 1 */
    public TextWorkers(int threads) {
        if (threads < 1) throw new IllegalArgumentException(threads + " text workers");
        for (int i = 0; i < threads; i++) workers.add(new Worker("skald-text-" + i));
        workers.forEach(Thread::start);
    }

    /** The worker of a new call, in turn. */
    Worker assign() {
        return workers.get(Math.floorMod(next.getAndIncrement(), workers.size()));
    }

    /** Lets the workers finish what is queued, and waits for them, at most ten seconds each. */
    @Override
    public void close() {
        workers.forEach(worker -> worker.queue.add(END));
        for (Worker worker : workers) {
            try {
                if (!worker.join(java.time.Duration.ofSeconds(10))) LOG.warning(worker.getName() + " did not end in time");
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            }
        }
    }

    /** One thread and its queue. */
    static final class Worker extends Thread {
        private final LinkedBlockingQueue<Runnable> queue = new LinkedBlockingQueue<>();

        private Worker(String name) {
            super(name);
            setDaemon(true);
        }

        /** Has {@code task} run after what is queued already. Never blocks. */
        void enqueue(Runnable task) {
            queue.add(task);
        }

        @Override
        public void run() {
            for (Runnable task = take(); task != END; task = take()) {
                try {
                    task.run();
                } catch (RuntimeException e) {
                    LOG.log(Level.SEVERE, "a text worker's task failed", e);
                }
            }
        }

        private Runnable take() {
            while (true) {
                try {
                    Runnable task = queue.poll(1, TimeUnit.HOURS);
                    if (task != null) return task;
                } catch (InterruptedException e) {
                    return END;
                }
            }
        }
    }
}
