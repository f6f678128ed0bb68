package dev.skald.compute.cpu;

import com.sun.management.ThreadMXBean;
import dev.skald.compute.Activation;
import dev.skald.compute.AttentionShape;
import dev.skald.compute.Batch;
import dev.skald.compute.BatchLimits;
import dev.skald.compute.Epilogue;
import dev.skald.compute.KvCache;
import dev.skald.compute.KvGroup;
import dev.skald.compute.QuantisedWeights;
import dev.skald.compute.Ops;
import dev.skald.compute.RowSet;
import dev.skald.compute.StepOutput;
import dev.skald.compute.TestTensors;
import dev.skald.compute.Weight;
import dev.skald.compute.WeightRole;
import dev.skald.sampling.SamplingParams;
import dev.skald.sampling.SlotSetup;
import dev.skald.tensor.Buffer;
import dev.skald.tensor.DType;
import dev.skald.tensor.Shape;
import dev.skald.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;
import java.util.stream.Stream;

/**
 * Decode steps of all operations, on two threads, until a run of them has allocated nothing or patience ends; prints the bytes of the last run
 * and the number of runs. For a JVM of its own: what other tests taught the compiler would keep it from inlining the kernels.
 */
final class AllocationProbe {
    private static final int HIDDEN = 256;
    private static final int VOCABULARY = 1000;
    private static final int STEPS = 20;
    private static final long PATIENCE_NANOS = 90_000_000_000L;
    private static final AttentionShape SHAPE = new AttentionShape(4, 2, 64, 0.125f);
    private static final BatchLimits LIMITS = new BatchLimits(8, 2, 2, 40, 5);

    private static CpuOptions.Choice kernels = CpuOptions.Choice.JAVA;

    private final CpuDevice device = CpuDevice.open(
            new CpuOptions(OptionalInt.of(2), kernels, Optional.empty(), Optional.of(CpuTestDevice.nativeFolder())));
    private final Ops ops = device.ops();
    private final Random random = new Random(1);
    private final KvCache cache = device.kvCache(List.of(new KvGroup(1, 2, 64, 16, DType.F16)), 80);
    private final Weight embedding = weight(WeightRole.EMBEDDING, DType.BF16, VOCABULARY, HIDDEN);
    private final Weight norm = weight(WeightRole.VECTOR, DType.F32, HIDDEN);
    private final Weight qkvWeight = weight(WeightRole.LINEAR, DType.BF16, SHAPE.qkvCols(), HIDDEN);
    private final Weight gateUpWeight = weight(WeightRole.LINEAR, DType.F16, 2 * HIDDEN, HIDDEN);
    private final Weight head = weight(WeightRole.LINEAR, DType.F32, VOCABULARY, HIDDEN);
    /** One of each layout. */
    private final List<Weight> quantised = Stream.of(DType.Q4_0, DType.Q4_1, DType.Q8_0, DType.Q5_1, DType.Q4_K, DType.Q5_K, DType.Q6_K)
            .map(type -> device.pack(WeightRole.LINEAR, List.of(QuantisedWeights.random(type, 2 * HIDDEN, HIDDEN, 5))))
            .toList();
    private final Weight table = device.pack(WeightRole.EMBEDDING, List.of(QuantisedWeights.random(DType.Q6_K, VOCABULARY, HIDDEN, 6)));
    private final Weight bias = weight(WeightRole.VECTOR, DType.F32, VOCABULARY);
    private final Weight rope = weight(WeightRole.ROPE_TABLE, DType.F32, 600, 64);
    private final Buffer x = device.buffer(DType.F32, 8, HIDDEN);
    private final Buffer normed = device.buffer(DType.F32, 8, HIDDEN);
    private final Buffer qkv = device.buffer(DType.F32, 8, SHAPE.qkvCols());
    private final Buffer attended = device.buffer(DType.F32, 8, HIDDEN);
    private final Buffer gateUp = device.buffer(DType.F32, 8, 2 * HIDDEN);
    private final Buffer rows = device.buffer(DType.F32, 2, HIDDEN);
    private final Buffer logits = device.buffer(DType.F32, 2, VOCABULARY);
    private final Buffer adjusted = device.buffer(DType.F32, 2, VOCABULARY);
    private final StepOutput output = device.output(LIMITS);
    private final Batch batch = device.batch(LIMITS);
    private final Epilogue biased = new Epilogue.Bias(bias);

    private final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private long[] workers = {};

    private Weight weight(WeightRole role, DType type, long... dims) {
        Shape shape = Shape.of(dims);
        MemorySegment data = MemorySegment.ofArray(new float[(int) shape.elements()]);
        for (long i = 0; i < shape.elements(); i++) {
            data.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) random.nextGaussian() / 16);
        }
        Tensor tensor = new Tensor("w", DType.F32, shape, data);
        return device.pack(role, List.of(TestTensors.convert(type, tensor)));
    }

    private AllocationProbe() {}

    /** @param args which kernels */
    public static void main(String[] args) {
        kernels = CpuOptions.Choice.valueOf(args[0]);
        System.out.println(new AllocationProbe().run());
    }

    private String run() {
        try (device) {
            device.start(LIMITS, cache, VOCABULARY);
            SamplingParams params = new SamplingParams(0.7f, 20, 0.9f, 0.05f, 1.1f, 0.1f, 0.1f, Map.of(3, 1f), List.of(), List.of());
            for (int slot = 0; slot < 2; slot++) {
                device.setSlot(slot, new SlotSetup(params, slot, 0, 1, List.of(2), new int[] {1, 2, 3}, new int[0]));
            }
            workers = CpuTestDevice.workerIds();
            if (workers.length != 1) throw new AssertionError(workers.length + " workers beside the engine thread");
            if (!threads.isThreadAllocatedMemoryEnabled()) throw new AssertionError("this JVM does not count what threads allocate");
            batch.clear();
            for (int slot = 0; slot < 2; slot++) for (int i = 0; i < 40; i++) batch.tableChange(slot, i, slot * 40 + i);
            device.upload(batch);
            long deadline = System.nanoTime() + PATIENCE_NANOS;
            long allocated = Long.MAX_VALUE;
            int rounds = 0;
            // Until it is compiled, every vector is an object; afterwards none is.
            while (allocated != 0 && System.nanoTime() < deadline) {
                for (int i = 0; i < 10 * STEPS; i++) step(i);
                long before = allocated();
                for (int i = 0; i < STEPS; i++) step(i);
                allocated = allocated() - before;
                rounds++;
            }
            return allocated + " bytes in " + STEPS + " steps after " + rounds + " rounds";
        }
    }

    private void step(int i) {
        batch.clear();
        for (int slot = i % 2; slot < 2; slot++) { // one row and two rows have kernels of their own
            int position = 300 + 200 * slot + i % 50;
            batch.beginSequence(slot, position + 1);
            batch.row(batch.token(i, position), slot, -1, 5);
        }
        batch.copyBlock(79, 78);
        device.upload(batch);
        ops.copyBlocks();
        ops.embed(table, x);
        for (int w = 0; w < quantised.size(); w++) ops.linear(RowSet.TOKENS, quantised.get(w), x, Epilogue.NONE, gateUp);
        ops.embed(embedding, x);
        ops.norm(x, norm, 1e-5f, normed);
        ops.linear(RowSet.TOKENS, qkvWeight, normed, Epilogue.NONE, qkv);
        ops.ropeStore(SHAPE, qkv, rope, 0);
        ops.attention(SHAPE, qkv, 0, attended);
        ops.addNorm(x, attended, norm, 1e-5f, normed);
        ops.linear(RowSet.TOKENS, gateUpWeight, normed, Epilogue.NONE, gateUp);
        ops.activate(Activation.SILU, gateUp, attended);
        ops.gatherRows(attended, rows);
        ops.linear(RowSet.LOGIT_ROWS, head, rows, biased, logits);
        ops.adjustLogits(logits, adjusted);
        ops.sample(adjusted, output);
        ops.topLogprobs(logits, output);
        device.await(output);
        if (output.invalid(0)) throw new AssertionError("a row became invalid");
    }

    /** By this thread and all workers. */
    private long allocated() {
        long bytes = threads.getCurrentThreadAllocatedBytes();
        for (long id : workers) bytes += threads.getThreadAllocatedBytes(id);
        return bytes;
    }
}
