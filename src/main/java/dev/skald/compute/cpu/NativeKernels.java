package dev.skald.compute.cpu;

import dev.skald.compute.Activation;
import dev.skald.tensor.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Kernels in C, for one instruction set. An operation's arguments are written into a native block of their own when it begins; then any worker
 * calls the operation's one function with that block and a range.
 */
final class NativeKernels implements Kernels {
    private static final int CACHE_FIELDS = 14;
    /** As skald.h has it. */
    private static final int MAX_HEAD_DIM = 1024;

    private final NativeLibrary library;
    private final NativeMemory memory;
    private final String isa;

    private final MemorySegment lookupRows;
    private final MemorySegment normRows;
    private final MemorySegment prepareRows;
    private final MemorySegment multiply;
    private final MemorySegment prepareQuantised;
    private final MemorySegment multiplyQuantised;
    private final MemorySegment storeTokens;
    private final MemorySegment attendItems;
    private final MemorySegment combineUnits;
    private final MemorySegment gateRows;

    private final int linearGroup;
    private final ArgumentBlock lookup;
    private final ArgumentBlock norm;
    private final ArgumentBlock linear;
    private final ArgumentBlock rope;
    private final ArgumentBlock attend;
    private final ArgumentBlock gate;

    /** Interleaved activations. */
    private long prepared;
    private long attendScratch;
    private long attendPartials;

    /**
     * @param isa    one of the library's
     * @param memory where argument blocks and scratch space come from
     */
    NativeKernels(NativeLibrary library, String isa, NativeMemory memory) {
        this.library = library;
        this.memory = memory;
        this.isa = isa;
        lookupRows = library.function("lookup", isa);
        normRows = library.function("norm", isa);
        prepareRows = library.function("linear_prepare", isa);
        multiply = library.function("linear", isa);
        prepareQuantised = library.function("quantised_prepare", isa);
        multiplyQuantised = library.function("quantised", isa);
        storeTokens = library.function("rope_store", isa);
        attendItems = library.function("attend", isa);
        combineUnits = library.function("combine", isa);
        gateRows = library.function("gate", isa);
        linearGroup = sizes(1).linearGroup;
        lookup = new ArgumentBlock(memory, 5);
        norm = new ArgumentBlock(memory, 6);
        linear = new ArgumentBlock(memory, 11);
        rope = new ArgumentBlock(memory, CACHE_FIELDS + 1);
        attend = new ArgumentBlock(memory, CACHE_FIELDS + 8);
        gate = new ArgumentBlock(memory, 3);
    }

    @Override
    public String isa() {
        return isa;
    }

    @Override
    public void reserve(Scratch scratch) {
        if (scratch.headDim() > MAX_HEAD_DIM) throw new IllegalArgumentException("heads of " + scratch.headDim() + " elements; these kernels take " + MAX_HEAD_DIM);
        Sizes sizes = sizes(scratch.headDim());
        prepared = memory.allocate(4L * scratch.rows() * (scratch.inputs() + 1)).address();
        attendScratch = memory.allocate(sizes.attendScratch * scratch.threads()).address();
        attendPartials = memory.allocate(sizes.attendPartial * scratch.partials()).address();
    }

    /** As skald.h has it. */
    private record Sizes(int linearGroup, long attendScratch, long attendPartial) {}

    private Sizes sizes(int headDim) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment block = arena.allocate(4 * 8, 8);
            block.set(ValueLayout.JAVA_LONG, 0, headDim);
            NativeLibrary.call(library.function("sizes", isa), block.address(), 0, 0, 0, 0);
            return new Sizes(
                    (int) block.get(ValueLayout.JAVA_LONG, 8), block.get(ValueLayout.JAVA_LONG, 16), block.get(ValueLayout.JAVA_LONG, 24));
        }
    }

    @Override
    public int rowGroup(DType type) {
        return type.quantised() ? QuantPanels.ROW_GROUP : linearGroup;
    }

    @Override
    public void begin(KernelArguments.Lookup a) {
        lookup.begin().put(a.table).put(a.type).put(a.n).put(a.rows.address()).put(a.output).end();
    }

    @Override
    public void begin(KernelArguments.Norm a) {
        norm.begin().put(a.n).put(a.x).put(a.delta).put(a.weight).put((double) a.eps).put(a.output).end();
    }

    @Override
    public void begin(KernelArguments.Linear a) {
        linear.begin().put(a.weight).put(a.type).put(a.in).put(a.out).put(a.rows).put(a.input).put(a.inputStride).put(a.bias)
                .put(a.output).put(a.outputStride).put(prepared).end();
    }

    private static ArgumentBlock putCache(ArgumentBlock block, KernelArguments.Cache a) {
        return block.begin().put(a.heads).put(a.kvHeads).put(a.headDim).put(a.type).put(a.keys).put(a.values).put(a.headBytes).put(a.blockBytes)
                .put(a.blockTables.address()).put(a.maxBlocks).put(a.qkv).put(a.qkvStride).put(a.positions.address()).put(a.slots.address());
    }

    @Override
    public void begin(KernelArguments.Rope a) {
        putCache(rope, a).put(a.table).end();
    }

    @Override
    public void begin(KernelArguments.Attend a) {
        putCache(attend, a).put((double) a.scale).put(a.output).put(a.outputStride).put(a.plan.unitAddress()).put(a.plan.itemAddress())
                .put(a.plan.dividedAddress()).put(attendScratch).put(attendPartials).end();
    }

    @Override
    public void begin(KernelArguments.Gate a) {
        if (a.activation != Activation.SILU) throw new IllegalArgumentException("no native kernel for " + a.activation);
        gate.begin().put(a.n).put(a.input).put(a.output).end();
    }

    @Override
    public void lookup(KernelArguments.Lookup a, int firstRow, int endRow) {
        NativeLibrary.call(lookupRows, lookup.address(), firstRow, endRow, 0, 0);
    }

    @Override
    public void norm(KernelArguments.Norm a, int firstRow, int endRow) {
        NativeLibrary.call(normRows, norm.address(), firstRow, endRow, 0, 0);
    }

    @Override
    public void prepareLinear(KernelArguments.Linear a, int firstRow, int endRow) {
        NativeLibrary.call(a.type.quantised() ? prepareQuantised : prepareRows, linear.address(), firstRow, endRow, 0, 0);
    }

    @Override
    public void linear(KernelArguments.Linear a, int firstUnit, int endUnit, int firstRow, int endRow, int worker) {
        NativeLibrary.call(a.type.quantised() ? multiplyQuantised : multiply, linear.address(), firstUnit, endUnit, firstRow, endRow);
    }

    @Override
    public void ropeStore(KernelArguments.Rope a, int firstToken, int endToken, int worker) {
        NativeLibrary.call(storeTokens, rope.address(), firstToken, endToken, 0, 0);
    }

    @Override
    public void attend(KernelArguments.Attend a, int item, int worker) {
        NativeLibrary.call(attendItems, attend.address(), item, item + 1, worker, 0);
    }

    @Override
    public void combine(KernelArguments.Attend a, int divided, int worker) {
        NativeLibrary.call(combineUnits, attend.address(), divided, divided + 1, worker, 0);
    }

    @Override
    public void gate(KernelArguments.Gate a, int firstRow, int endRow) {
        NativeLibrary.call(gateRows, gate.address(), firstRow, endRow, 0, 0);
    }
}
