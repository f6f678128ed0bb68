package dev.skald.service;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * The threads on which prompts become tokens, and others on which tokens become text: a prompt of megabytes takes seconds, and nobody's
 * stream may stand still for that. A call stays on the workers that it was given, so its state needs no lock. It is in a worker's queue at
 * most once, so that no queue is longer than the number of calls; what waits inside a call is bounded by {@link LocalCall}.
 */
public final class TextWorkers implements AutoCloseable {
    private static final Logger LOG = Logger.getLogger(TextWorkers.class.getName());
    private static final Runnable END = () -> {};
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private final List<Worker> prompts;
    private final List<Worker> texts;
    private final AtomicInteger next = new AtomicInteger();

    /** @param promptThreads for templates and tokenising, @param textThreads for decoding and stop strings; each at least 1 */
    public TextWorkers(int promptThreads, int textThreads) {
        prompts = start("skald-prompt-", promptThreads);
        texts = start("skald-text-", textThreads);
    }

    private static List<Worker> start(String name, int threads) {
        if (threads < 1) throw new IllegalArgumentException(threads + " threads " + name);
        List<Worker> workers = new ArrayList<>();
        for (int i = 0; i < threads; i++) workers.add(new Worker(name + i));
        workers.forEach(Thread::start);
        return List.copyOf(workers);
    }

    /** The two workers of a call. */
    record Pair(Worker prompt, Worker text) {}

    /** Those of a new call, in turn. */
    Pair assign() {
        int turn = next.getAndIncrement();
        return new Pair(prompts.get(Math.floorMod(turn, prompts.size())), texts.get(Math.floorMod(turn, texts.size())));
    }

    /** Lets the workers finish what is queued, and waits for them, at most ten seconds each. */
    @Override
    public void close() {
        // Prompts first: what they submit is answered by the texts'.
        for (List<Worker> workers : List.of(prompts, texts)) {
            workers.forEach(worker -> worker.queue.add(END));
            for (Worker worker : workers) {
                try {
                    if (!worker.join(PATIENCE)) LOG.warning(worker.getName() + " did not end in time");
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    return;
                }
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
