package dev.skald.compute.cpu;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.locks.LockSupport;

/**
 * Runs the items of one task on several threads. The calling thread is worker 0; there is one barrier per task, and it waits for items, not
 * for threads: a worker that the system has put aside before it took an item holds up nobody. Which worker runs which item is left to
 * chance, so an item's result may depend on nothing but its number. Nothing is allocated per task.
 *
 * <p>Between tasks workers spin, then yield; between steps ({@link #endStep} to {@link #beginStep}) they go on to park after a while. One
 * thread at a time may call.
 */
final class WorkerPool implements AutoCloseable {
    /** Looks for work before a worker first yields; about ten microseconds, several times the gap between two tasks of a step. */
    static final int SPINS = 400;

    /** Yields before a worker parks, once no step is under way; about a millisecond, so that it stays awake from one decoded token to the next. */
    static final int YIELDS = 2_000;

    /** One piece of work, safe to run at the same time as the others. */
    @FunctionalInterface
    interface Task {
        /** @param item 0 … items − 1 @param worker 0 … threads − 1, for scratch space */
        void run(int item, int worker);
    }

    private static final Task NOTHING = (item, worker) -> {};
    private static final VarHandle LEFT = field("left", long.class);
    private static final VarHandle DONE = field("done", int.class);
    private static final VarHandle FAILURE = field("failure", Throwable.class);
    private static final long ITEMS_MASK = 0xFFFF_FFFFL;

    /**
     * Upper half: number of the task; lower half: items not yet taken. Taking an item is one compare-and-set of both, so a late worker can
     * never take an item of another task than it thinks.
     */
    @SuppressWarnings("unused")
    private volatile long left;

    @SuppressWarnings("unused")
    private volatile int done;

    private volatile Throwable failure;
    private volatile boolean stepping;
    private volatile boolean closed;

    // Written before `left` announces the task, and stable until all its items are done.
    private Task task = NOTHING;
    private int items;

    private final Worker[] workers;

    /** @param threads threads that compute, the calling one included */
    WorkerPool(int threads) {
        if (threads < 1) throw new IllegalArgumentException(threads + " threads");
        workers = new Worker[threads - 1];
        for (int i = 0; i < workers.length; i++) workers[i] = new Worker(i + 1);
        for (Worker worker : workers) worker.start();
    }

    int threads() {
        return workers.length + 1;
    }

    /** From here to {@link #endStep} workers stay awake. */
    void beginStep() {
        stepping = true;
        for (Worker worker : workers) worker.wake();
    }

    void endStep() {
        stepping = false;
    }

    /**
     * Returns when all items have run.
     *
     * @throws RuntimeException or Error: what an item threw first; the other items have run nevertheless
     */
    void run(Task work, int count) {
        if (count <= 0) return;
        if (count == 1 || workers.length == 0) {
            for (int i = 0; i < count; i++) work.run(i, 0);
            return;
        }
        task = work;
        items = count;
        DONE.setOpaque(this, 0);
        long number = (left >>> 32) + 1;
        left = number << 32 | count;
        if (!stepping) for (Worker worker : workers) worker.wake();
        while (take(0)) {}
        for (int spins = 0; done < count; spins++) pause(spins);
        task = NOTHING;
        Throwable thrown = failure;
        if (thrown != null) {
            failure = null;
            if (thrown instanceof Error error) throw error;
            throw (RuntimeException) thrown;
        }
    }

    /** Ends the threads and waits for them. */
    @Override
    public void close() {
        closed = true;
        for (Worker worker : workers) LockSupport.unpark(worker.thread);
        boolean interrupted = false;
        for (Worker worker : workers) {
            while (worker.thread.isAlive()) {
                try {
                    worker.thread.join();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        }
        if (interrupted) Thread.currentThread().interrupt();
    }

    /** Takes the next item and runs it. @return false if none is left */
    private boolean take(int worker) {
        long seen = left;
        int remaining = (int) (seen & ITEMS_MASK);
        if (remaining == 0) return false;
        if (!LEFT.compareAndSet(this, seen, seen - 1)) return true;
        try {
            task.run(items - remaining, worker);
        } catch (RuntimeException | Error e) {
            FAILURE.compareAndSet(this, null, e);
        } finally {
            DONE.getAndAdd(this, 1);
        }
        return true;
    }

    /** Yields early: with fewer free cores than threads, spinning takes time from the thread that is waited for. */
    private static void pause(int round) {
        if (round < SPINS) Thread.onSpinWait();
        else Thread.yield();
    }

    private static VarHandle field(String name, Class<?> type) {
        try {
            return MethodHandles.lookup().findVarHandle(WorkerPool.class, name, type);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final class Worker {
        private final int index;
        private final Thread thread;
        private volatile boolean parked;

        Worker(int index) {
            this.index = index;
            thread = Thread.ofPlatform().name("skald-compute-" + index).daemon().unstarted(this::loop);
        }

        void start() {
            thread.start();
        }

        void wake() {
            if (parked) LockSupport.unpark(thread);
        }

        private void loop() {
            int idle = 0;
            while (!closed) {
                if (take(index)) {
                    idle = 0;
                } else if (stepping || idle < SPINS + YIELDS) {
                    pause(idle);
                    if (idle < SPINS + YIELDS) idle++;
                } else {
                    park();
                    idle = 0;
                }
            }
        }

        private void park() {
            parked = true;
            // Looks again after it has said so: whoever brings work either sees `parked` or was seen here.
            if (!stepping && !closed && (left & ITEMS_MASK) == 0) LockSupport.park(WorkerPool.this);
            parked = false;
        }
    }
}
