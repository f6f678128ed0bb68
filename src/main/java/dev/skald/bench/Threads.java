package dev.skald.bench;

import java.util.concurrent.CountDownLatch;
import java.util.function.IntToLongFunction;

/** Runs one piece of work per thread and takes the time from the common start to the last end. */
final class Threads {
    /** Keeps results alive, so that the compiler can't drop the loops that made them. */
    @SuppressWarnings("unused")
    private static volatile long sink;

    private Threads() {}

    /** @return nanoseconds */
    static long time(int threads, IntToLongFunction work) throws InterruptedException {
        CountDownLatch ready = new CountDownLatch(threads);
        CountDownLatch go = new CountDownLatch(1);
        Thread[] all = new Thread[threads];
        for (int i = 0; i < threads; i++) {
            int index = i;
            all[i] = Thread.ofPlatform().daemon().name("probe-" + i).start(() -> {
                ready.countDown();
                try {
                    go.await();
                } catch (InterruptedException e) {
                    return;
                }
                sink = work.applyAsLong(index);
            });
        }
        ready.await();
        long start = System.nanoTime();
        go.countDown();
        for (Thread thread : all) thread.join();
        return System.nanoTime() - start;
    }
}
