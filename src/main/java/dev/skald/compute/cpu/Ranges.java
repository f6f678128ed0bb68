package dev.skald.compute.cpu;

/** Runs work over a range of rows on the pool, in chunks by its cost. One object, used by one operation after the other. */
final class Ranges implements WorkerPool.Task {
    /** Work on some rows; safe to run at the same time as other rows. */
    @FunctionalInterface
    interface Work {
        void run(int first, int end, int worker);
    }

    private final WorkerPool pool;
    private Work work = (first, end, worker) -> {};
    private int count;
    private int size;

    Ranges(WorkerPool pool) {
        this.pool = pool;
    }

    /** @param nanosEach what one row costs a thread, about */
    void run(Work over, int rows, double nanosEach) {
        run(over, rows, nanosEach, 1);
    }

    /** @param multiple chunks begin at multiples of it */
    void run(Work over, int rows, double nanosEach, int multiple) {
        work = over;
        count = rows;
        size = Math.ceilDiv(Chunks.size(rows, nanosEach, pool.threads()), multiple) * multiple;
        pool.run(this, Math.ceilDiv(rows, size));
    }

    @Override
    public void run(int item, int worker) {
        work.run(item * size, Math.min(count, (item + 1) * size), worker);
    }
}
