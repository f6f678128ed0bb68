package dev.skald.compute.cpu;

import dev.skald.compute.Activation;
import dev.skald.compute.Batch;
import dev.skald.compute.BatchLimits;
import dev.skald.tensor.DType;
import dev.skald.tensor.Elements;
import dev.skald.tensor.Shape;
import dev.skald.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Random;
import java.util.zip.CRC32;

/**
 * Runs every arithmetic kernel again and again, from the first, interpreted call to the compiled ones, and compares all results bitwise with
 * the first. A program of its own, since the width of vectors and the compiler's thresholds belong to a JVM. Prints the vector length in
 * bits, a checksum of the products (which don't depend on it) and one of all the rest; ends with 1 and a sentence if a result changed.
 */
final class KernelProbe {
    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;
    private static final int[] ROW_COUNTS = {1, 2, 3, 4, 6, 11};
    private static final int IN = 77;
    private static final int OUT = 45;

    private final NativeMemory memory = new NativeMemory();
    private final VectorKernels kernels = new VectorKernels(memory);
    private final Random random = new Random(7);
    private final MemorySegment input = floats(16 * 256);
    private final MemorySegment more = floats(16 * 256);
    private final AttentionPlan plan = plan();
    private final MemorySegment output = memory.allocate(4 * 16 * 256);

    /** @param arguments how many times */
    public static void main(String... arguments) {
        int times = Integer.parseInt(arguments[0]);
        KernelProbe probe = new KernelProbe();
        probe.kernels.reserve(new Kernels.Scratch(16, 256, 256, 24, 0, 1));
        MemorySegment[] weights = new MemorySegment[3];
        DType[] types = {DType.F32, DType.F16, DType.BF16};
        for (int i = 0; i < 3; i++) weights[i] = probe.weight(types[i]);
        long products = probe.products(types, weights);
        long others = probe.others();
        for (int i = 0; i < times; i++) {
            if (probe.products(types, weights) != products) fail("a product", i);
            if (probe.others() != others) fail("a norm, rotation, gate, exp or attention", i);
        }
        System.out.println(Lanes.FLOATS.vectorBitSize() + " " + products + " " + others);
    }

    private static void fail(String what, int call) {
        System.out.println(what + " changed at call " + call);
        System.exit(1);
    }

    private AttentionPlan plan() {
        BatchLimits limits = new BatchLimits(3, 1, 1, 3, 0);
        Batch batch = new Batch(limits, MemorySegment.ofArray(new int[Batch.ints(limits)]));
        batch.beginSequence(0, 40);
        for (int position = 37; position < 40; position++) batch.token(0, position);
        AttentionPlan plan = new AttentionPlan(memory, 0, 1);
        plan.make(batch, 3, 1);
        return plan;
    }

    private MemorySegment floats(int count) {
        MemorySegment segment = memory.allocate(4L * count);
        for (int i = 0; i < count; i++) segment.set(FLOAT, 4L * i, (float) random.nextGaussian());
        return segment;
    }

    private MemorySegment weight(DType type) {
        MemorySegment data = memory.allocate(type.bytes((long) OUT * IN));
        for (int i = 0; i < OUT * IN; i++) Elements.set(type, data, i, (float) random.nextGaussian());
        MemorySegment packed = memory.allocate(Panels.bytes(type, OUT, IN));
        try (WorkerPool pool = new WorkerPool(1)) {
            Panels.pack(pool, List.of(new Tensor("w", type, Shape.of(OUT, IN), data)), OUT, IN, packed);
        }
        return packed;
    }

    private long products(DType[] types, MemorySegment[] weights) {
        CRC32 sum = new CRC32();
        KernelArguments.Linear a = new KernelArguments.Linear();
        a.in = IN;
        a.out = OUT;
        a.input = input.address();
        a.inputStride = 4 * IN;
        a.output = output.address();
        a.outputStride = 4 * OUT;
        for (int i = 0; i < types.length; i++) {
            a.type = types[i];
            a.weight = weights[i].address();
            for (int rows : ROW_COUNTS) {
                a.rows = rows;
                a.bias = rows % 2 == 0 ? more.address() : 0;
                kernels.prepareLinear(a, 0, rows);
                kernels.linear(a, 0, Panels.stripes(OUT), 0, rows, 0);
                add(sum, rows * OUT);
            }
        }
        return sum.getValue();
    }

    private long others() {
        CRC32 sum = new CRC32();
        for (int n : new int[] {13, 64, 207}) {
            VectorRows.norm(input.address(), more.address(), 1e-5f, output.address(), n);
            add(sum, n);
            KernelArguments.Gate gate = new KernelArguments.Gate();
            gate.activation = Activation.SILU;
            gate.n = n;
            gate.input = input.address();
            gate.output = output.address();
            kernels.gate(gate, 0, 2);
            add(sum, 2 * n);
        }
        for (int dim : new int[] {6, 24, 64}) {
            VectorRows.rotate(input.address(), more.address(), output.address(), dim);
            add(sum, dim);
        }
        attention(sum);
        return sum.getValue();
    }

    /** Three tokens of three heads of 24 elements over 3 blocks. */
    private void attention(CRC32 sum) {
        KernelArguments.Attend a = new KernelArguments.Attend(plan);
        a.heads = 3;
        a.kvHeads = 1;
        a.headDim = 24;
        a.type = DType.F32;
        a.keys = input.address();
        a.values = more.address();
        a.headBytes = 4 * 16 * 24;
        a.blockBytes = a.headBytes;
        a.blockTables = ints(2, 0, 1);
        a.maxBlocks = 3;
        a.qkv = input.address() + 256;
        a.qkvStride = 4 * 5 * 24;
        a.positions = ints(37, 38, 39);
        a.slots = ints(0, 0, 0);
        a.scale = 0.2f;
        a.output = output.address();
        a.outputStride = 4 * 3 * 24;
        kernels.attend(a, 0, 0);
        add(sum, 3 * 3 * 24);
    }

    private NativeInts ints(int... values) {
        NativeInts ints = NativeInts.allocate(memory, values.length);
        for (int i = 0; i < values.length; i++) ints.set(i, values[i]);
        return ints;
    }

    private void add(CRC32 sum, int floats) {
        sum.update(output.asSlice(0, 4L * floats).toArray(ValueLayout.JAVA_BYTE));
    }
}
