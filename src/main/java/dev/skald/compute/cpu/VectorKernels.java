package dev.skald.compute.cpu;

import dev.skald.tensor.DType;

/** Kernels on the Vector API. */
final class VectorKernels implements Kernels {
    private final NativeMemory memory;

    private VectorLinear linear = new VectorLinear(0, 0, 1);
    private VectorQuantised quantised = new VectorQuantised(0, 0, 1);
    private VectorAttention[] attention = {};
    /** Per worker: address of a rotated key. */
    private long[] rotated = {};

    /** @param memory where scratch space comes from */
    VectorKernels(NativeMemory memory) {
        this.memory = memory;
    }

    @Override
    public String isa() {
        return "java-vector-" + Lanes.FLOATS.vectorBitSize();
    }

    @Override
    public void reserve(Scratch scratch) {
        linear = new VectorLinear(scratch.rows(), scratch.inputs(), scratch.threads());
        quantised = new VectorQuantised(scratch.rows(), scratch.quantisedInputs(), scratch.threads());
        Partials shared = new Partials(scratch.partials(), scratch.headDim());
        attention = new VectorAttention[scratch.threads()];
        rotated = new long[scratch.threads()];
        for (int worker = 0; worker < scratch.threads(); worker++) {
            attention[worker] = new VectorAttention(scratch.headDim(), shared);
            rotated[worker] = memory.allocate(DType.F32.bytes(scratch.headDim())).address();
        }
    }

    @Override
    public void lookup(KernelArguments.Lookup a, int firstRow, int endRow) {
        for (int r = firstRow; r < endRow; r++) {
            long from = a.table + a.type.bytes((long) a.rows.get(r) * a.n);
            long to = a.output + DType.F32.bytes((long) r * a.n);
            Halves.widen(a.type, from, a.n, to);
        }
    }

    @Override
    public void norm(KernelArguments.Norm a, int firstRow, int endRow) {
        for (int r = firstRow; r < endRow; r++) {
            long row = DType.F32.bytes((long) r * a.n);
            if (a.delta != 0) VectorRows.add(a.x + row, a.delta + row, a.n);
            VectorRows.norm(a.x + row, a.weight, a.eps, a.output + row, a.n);
        }
    }

    @Override
    public int rowGroup(DType type) {
        return type.quantised() ? QuantPanels.ROW_GROUP : VectorLinear.GROUP_ROWS;
    }

    @Override
    public void prepareLinear(KernelArguments.Linear a, int firstRow, int endRow) {
        if (a.type.quantised()) quantised.prepare(a, firstRow, endRow);
        else linear.prepare(a, firstRow, endRow);
    }

    @Override
    public void linear(KernelArguments.Linear a, int firstUnit, int endUnit, int firstRow, int endRow, int worker) {
        if (a.type.quantised()) quantised.run(a, firstUnit, endUnit, firstRow, endRow, worker);
        else linear.run(a, firstUnit, endUnit, firstRow, endRow, worker);
    }

    @Override
    public void ropeStore(KernelArguments.Rope a, int firstToken, int endToken, int worker) {
        for (int t = firstToken; t < endToken; t++) {
            long head = a.qkv + t * a.qkvStride;
            long headStride = DType.F32.bytes(a.headDim);
            long angles = a.table + a.positions.get(t) * headStride;
            for (int h = 0; h < a.heads; h++, head += headStride) VectorRows.rotate(head, angles, head, a.headDim);
            int slot = a.positions.get(t) % CpuKvCache.BLOCK_TOKENS;
            long block = a.block(a.slots.get(t), a.positions.get(t)) * a.blockBytes;
            for (int h = 0; h < a.kvHeads; h++, head += headStride) {
                VectorRows.rotate(head, angles, rotated[worker], a.headDim);
                CachedHeads.storeKey(a.type, rotated[worker], a.headDim, a.keys + block + h * a.headBytes, slot);
                CachedHeads.storeValue(a.type, head + a.kvHeads * headStride, a.headDim, a.values + block + h * a.headBytes, slot);
            }
        }
    }

    @Override
    public void attend(KernelArguments.Attend a, int item, int worker) {
        attention[worker].attend(a, item);
    }

    @Override
    public void combine(KernelArguments.Attend a, int divided, int worker) {
        attention[worker].combine(a, divided);
    }

    @Override
    public void gate(KernelArguments.Gate a, int firstRow, int endRow) {
        long stride = DType.F32.bytes(a.n);
        for (int r = firstRow; r < endRow; r++) {
            long gate = a.input + 2 * stride * r;
            switch (a.activation) {
                case SILU -> VectorRows.silu(gate, gate + stride, a.output + stride * r, a.n);
            }
        }
    }
}
