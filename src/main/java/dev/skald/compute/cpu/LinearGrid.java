package dev.skald.compute.cpu;

/**
 * Cuts a linear into items of stripes × activation rows. Rows run fastest: while one stripe of weights is in the cache, all rows pass it, and
 * the weights are read from memory once.
 */
final class LinearGrid implements WorkerPool.Task {
    /** Activation rows of an item: these and a stripe of weights stay in a second-level cache. A multiple of any kernel's row group. */
    private static final int ITEM_ROWS = 48;

    private static final double BYTES_PER_NANO = 12;
    private static final double FLOPS_PER_NANO = 80;
    private static final double COPY_NANOS = 0.5;

    private final Kernels kernels;
    private final WorkerPool pool;
    private final Ranges ranges;
    private final KernelArguments.Linear a;
    private final Ranges.Work prepare;
    private int rowItems;
    private int itemStripes;

    LinearGrid(Kernels kernels, WorkerPool pool, Ranges ranges, KernelArguments.Linear arguments) {
        if (ITEM_ROWS % kernels.rowGroup() != 0) throw new IllegalArgumentException("row groups of " + kernels.rowGroup() + " don't fit");
        this.kernels = kernels;
        this.pool = pool;
        this.ranges = ranges;
        a = arguments;
        prepare = (first, end, worker) -> kernels.prepareLinear(a, first, end);
    }

    /** Runs what the arguments say. */
    void run() {
        if (a.rows == 0) return;
        ranges.run(prepare, a.rows, COPY_NANOS * a.in, kernels.rowGroup());
        int stripes = Panels.stripes(a.out);
        rowItems = Math.ceilDiv(a.rows, ITEM_ROWS);
        double bytes = 2.0 * Panels.panelBytes(a.type, a.in);
        double flops = 2.0 * Panels.STRIPE_ROWS * a.in * Math.min(a.rows, ITEM_ROWS);
        itemStripes = Chunks.size(stripes, rowItems * Math.max(bytes / BYTES_PER_NANO, flops / FLOPS_PER_NANO), pool.threads());
        pool.run(this, Math.ceilDiv(stripes, itemStripes) * rowItems);
    }

    @Override
    public void run(int item, int worker) {
        int stripe = item / rowItems * itemStripes;
        int row = item % rowItems * ITEM_ROWS;
        int endStripe = Math.min(Panels.stripes(a.out), stripe + itemStripes);
        kernels.linear(a, stripe, endStripe, row, Math.min(a.rows, row + ITEM_ROWS), worker);
    }
}
