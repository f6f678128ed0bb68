package dev.skald.compute;

import dev.skald.sampling.SamplingParams;
import dev.skald.sampling.SlotSetup;
import dev.skald.tensor.Buffer;
import dev.skald.tensor.DType;
import dev.skald.tensor.Shape;
import dev.skald.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;

/** One device, started, with a small cache; makes weights, buffers and batches for tests of single operations. */
final class OpsFixture implements AutoCloseable {
    static final int BLOCK_TOKENS = 16;
    static final int BLOCKS = 64;
    static final int VOCABULARY = 37;
    static final BatchLimits LIMITS = new BatchLimits(40, 5, 24, 32, 5);
    /** Widths that no vector length divides, and one that most do. */
    static final int[] ODD_WIDTHS = {1, 13, 64, 207};

    final TestDevice test;
    final Device device;
    final Ops ops;
    final KvCache cache;
    final StepOutput output;
    private final Batch batch;
    private boolean started;

    OpsFixture(TestDevices.Factory factory) {
        this(factory, new KvGroup(2, 2, 6, BLOCK_TOKENS, DType.F32));
    }

    OpsFixture(TestDevices.Factory factory, KvGroup group) {
        test = factory.open();
        device = test.device();
        ops = device.ops();
        cache = device.kvCache(List.of(group), BLOCKS);
        output = device.output(LIMITS);
        batch = device.batch(LIMITS);
    }

    /** On first use: what a device packs and allocates comes before its start. */
    private void start() {
        if (started) return;
        started = true;
        device.start(LIMITS, cache, VOCABULARY);
        for (int slot = 0; slot < LIMITS.maxSequences(); slot++) setSlot(slot, SamplingParams.GREEDY);
    }

    void setSlot(int slot, SamplingParams params) {
        start();
        device.setSlot(slot, new SlotSetup(params, 1, 0, 0, List.of(), new int[0], new int[0]));
    }

    void upload(Consumer<Batch> filler) {
        start();
        batch.clear();
        filler.accept(batch);
        device.upload(batch);
    }

    /** One sequence in slot 0 with so many tokens, and a row of logits for each of them that there is room for. */
    void uploadTokens(int tokens) {
        upload(b -> {
            b.beginSequence(0, tokens);
            for (int t = 0; t < tokens; t++) b.token(t % VOCABULARY, t);
            for (int r = 0; r < Math.min(tokens, LIMITS.maxLogitRows()); r++) b.row(r, 0, -1, -1);
        });
    }

    Buffer buffer(int rows, int cols) {
        return device.buffer(DType.F32, rows, cols);
    }

    /** A buffer of these rows. */
    Buffer buffer(float[][] rows) {
        Buffer buffer = buffer(rows.length, rows[0].length);
        for (int r = 0; r < rows.length; r++) test.write(buffer, r, rows[r]);
        return buffer;
    }

    Weight linear(float[][] rows) {
        return device.pack(WeightRole.LINEAR, List.of(matrix(rows)));
    }

    Weight vector(float[] values) {
        return device.pack(WeightRole.VECTOR, List.of(vectorTensor(values)));
    }

    static Tensor vectorTensor(float[] values) {
        return new Tensor("vector", DType.F32, Shape.of(values.length), MemorySegment.ofArray(values));
    }

    static Tensor matrix(float[][] rows) {
        float[] flat = new float[rows.length * rows[0].length];
        for (int r = 0; r < rows.length; r++) System.arraycopy(rows[r], 0, flat, r * rows[0].length, rows[0].length);
        return new Tensor("matrix", DType.F32, Shape.of(rows.length, rows[0].length), MemorySegment.ofArray(flat));
    }

    /** Normally distributed. */
    static float[][] random(long seed, int rows, int cols) {
        Random random = new Random(seed);
        float[][] values = new float[rows][cols];
        for (float[] row : values) for (int i = 0; i < cols; i++) row[i] = (float) random.nextGaussian();
        return values;
    }

    /** Fails unless each is within {@code units} half-units of f32 of what it should be, relative to {@code scale}. */
    static void assertClose(double[] expected, float[] actual, double scale, double units, String what) {
        if (expected.length != actual.length) throw new AssertionError(what + ": " + actual.length + " values for " + expected.length);
        for (int i = 0; i < expected.length; i++) {
            double error = Math.abs(expected[i] - actual[i]);
            if (!(error <= units * scale * 0x1p-24)) {
                throw new AssertionError(what + ": element " + i + " is " + actual[i] + ", expected " + expected[i] + " ± "
                        + units * scale * 0x1p-24);
            }
        }
    }

    @Override
    public void close() {
        test.close();
    }
}
