package dev.skald.compute.cpu;

/**
 * Cuts a linear into items of units (stripes or panels of the weight) × activation rows. Rows run fastest: while one unit of weights is in the
 * cache, all rows pass it, and the weights are read from memory once.
 */
final class LinearGrid implements WorkerPool.Task {
    /** Activation rows of an item: these and a unit of weights stay in a second-level cache. A multiple of any kernel's row group. */
    private static final int ITEM_ROWS = 48;

    private static final double BYTES_PER_NANO = 12;
    private static final double FLOPS_PER_NANO = 80;
    private static final double QUANTISED_MACS_PER_NANO = 100;
    private static final double PREPARE_NANOS = 0.5;

    private final Kernels kernels;
    private final WorkerPool pool;
    private final Ranges ranges;
    private final KernelArguments.Linear a;
    private final Ranges.Work prepare;
    private int units;
    private int rowItems;
    private int itemUnits;

    LinearGrid(Kernels kernels, WorkerPool pool, Ranges ranges, KernelArguments.Linear arguments) {
        this.kernels = kernels;
        this.pool = pool;
        this.ranges = ranges;
        a = arguments;
        prepare = (first, end, worker) -> kernels.prepareLinear(a, first, end);
    }

    /** Puts the activation rows that the arguments name where {@link #multiply} reads them, for a weight of their type. */
    void prepare() {
        int group = kernels.rowGroup(a.type);
        if (ITEM_ROWS % group != 0) throw new IllegalStateException("row groups of " + group + " don't fit items of " + ITEM_ROWS);
        ranges.run(prepare, a.rows, PREPARE_NANOS * a.in, group);
    }

    /** Runs what the arguments say, on prepared rows. */
    void multiply() {
        rowItems = Math.ceilDiv(a.rows, ITEM_ROWS);
        int rows = Math.min(a.rows, ITEM_ROWS);
        double nanos;
        if (a.type.quantised()) {
            units = QuantPanels.panels(a.out);
            double macs = (double) QuantPanels.ROWS * a.in * rows;
            nanos = Math.max(QuantPanels.panelBytes(a.type, a.in) / BYTES_PER_NANO, macs / QUANTISED_MACS_PER_NANO);
        } else {
            units = Panels.stripes(a.out);
            double flops = 2.0 * Panels.STRIPE_ROWS * a.in * rows;
            nanos = Math.max(2.0 * Panels.panelBytes(a.type, a.in) / BYTES_PER_NANO, flops / FLOPS_PER_NANO);
        }
        itemUnits = Chunks.size(units, rowItems * nanos, pool.threads());
        pool.run(this, Math.ceilDiv(units, itemUnits) * rowItems);
    }

    @Override
    public void run(int item, int worker) {
        int unit = item / rowItems * itemUnits;
        int row = item % rowItems * ITEM_ROWS;
        int endUnit = Math.min(units, unit + itemUnits);
        kernels.linear(a, unit, endUnit, row, Math.min(a.rows, row + ITEM_ROWS), worker);
    }
}
