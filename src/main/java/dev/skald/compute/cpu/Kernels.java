package dev.skald.compute.cpu;

import dev.skald.tensor.DType;

/**
 * The arithmetic of a CPU device: one function per operation, pure but for its output and scratch space of its own, over a range of rows or
 * items, so that any thread may run any range. A range's result depends on nothing outside of it. Called by the workers of the pool.
 */
interface Kernels {
    /** Instruction set, for people and for the fingerprint: e.g. "avx512", "java-vector-512". */
    String isa();

    /**
     * How much scratch space operations need at most.
     *
     * @param rows     activation rows of a linear
     * @param inputs   columns of its input
     * @param quantisedInputs the same, of linears with quantised weights; 0: there are none
     * @param headDim  elements of an attention head
     * @param partials partial results of attention at one time
     * @param threads  workers
     */
    record Scratch(int rows, int inputs, int quantisedInputs, int headDim, int partials, int threads) {}

    /** Allocates it; called once, before the first operation. */
    void reserve(Scratch scratch);

    /** Called by the engine thread before an operation runs, when its arguments are complete: kernels that don't read them there copy them here. */
    default void begin(KernelArguments.Lookup a) {}

    default void begin(KernelArguments.Norm a) {}

    default void begin(KernelArguments.Linear a) {}

    default void begin(KernelArguments.Rope a) {}

    default void begin(KernelArguments.Attend a) {}

    default void begin(KernelArguments.Gate a) {}

    /** Reads rows of a table. */
    void lookup(KernelArguments.Lookup a, int firstRow, int endRow);

    void norm(KernelArguments.Norm a, int firstRow, int endRow);

    /** Activation rows that {@link #linear} handles together, for a type or layout: what ranges of it should be multiples of. */
    int rowGroup(DType type);

    /** Puts activation rows where and how {@link #linear} reads them. */
    void prepareLinear(KernelArguments.Linear a, int firstRow, int endRow);

    /**
     * All outputs of some units for some activation rows, which were prepared before. A unit is a stripe ({@link Panels#STRIPE_ROWS} rows of the
     * weight), of a quantised weight a panel ({@link QuantPanels#ROWS}).
     *
     * @param firstRow a multiple of {@link #rowGroup}
     * @param endRow   one too, or the number of rows
     */
    void linear(KernelArguments.Linear a, int firstUnit, int endUnit, int firstRow, int endRow, int worker);

    /** Rotates queries in place, and rotates and stores keys and stores values of some tokens. */
    void ropeStore(KernelArguments.Rope a, int firstToken, int endToken, int worker);

    /** One item of the plan: some query rows over some splits of their sequence. */
    void attend(KernelArguments.Attend a, int item, int worker);

    /** Combines the partial results of one of the plan's divided units, in ascending order. */
    void combine(KernelArguments.Attend a, int divided, int worker);

    void gate(KernelArguments.Gate a, int firstRow, int endRow);
}
