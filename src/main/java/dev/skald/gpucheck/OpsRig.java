package dev.skald.gpucheck;

import dev.skald.compute.Batch;
import dev.skald.compute.BatchLimits;
import dev.skald.compute.BufferAccess;
import dev.skald.compute.Device;
import dev.skald.compute.KvCache;
import dev.skald.compute.KvGroup;
import dev.skald.compute.Ops;
import dev.skald.compute.StepOutput;
import dev.skald.compute.Weight;
import dev.skald.compute.WeightRole;
import dev.skald.quantize.Quantiser;
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

/**
 * One device with a small cache, for calls of single operations: weights first, then batches. The same calls with the same seeds on two devices
 * can be compared number by number. Belongs to one thread.
 */
final class OpsRig implements AutoCloseable {
    /** What the rig has room for. @param blocks of the KV cache */
    record Room(BatchLimits limits, KvGroup group, int blocks, int vocabulary) {}

    private final Device device;
    private final BufferAccess access;
    private final Room room;
    private final KvCache cache;
    private final StepOutput output;
    private final Batch batch;
    private final boolean exactProducts;
    private boolean started;

    /** @param exactProducts products of many rows are as exact as those of few: there is no cuBLAS */
    OpsRig(Device device, BufferAccess access, Room room, boolean exactProducts) {
        this.device = device;
        this.access = access;
        this.room = room;
        this.exactProducts = exactProducts;
        cache = device.kvCache(List.of(room.group()), room.blocks());
        output = device.output(room.limits());
        batch = device.batch(room.limits());
    }

    Device device() {
        return device;
    }

    Ops ops() {
        return device.ops();
    }

    StepOutput output() {
        return output;
    }

    boolean exactProducts() {
        return exactProducts;
    }

    /** @param rows [n][cols] of the weight, in f32 @param type that it is stored in */
    Weight pack(WeightRole role, DType type, float[][] rows) {
        return device.pack(role, List.of(stored(type, rows)));
    }

    /** As a file would hold it. @param rows [n][cols] */
    static Tensor stored(DType type, float[][] rows) {
        Tensor f32 = new Tensor("matrix", DType.F32, Shape.of(rows.length, rows[0].length), MemorySegment.ofArray(flat(rows)));
        if (type == DType.F32) return f32;
        MemorySegment data = MemorySegment.ofArray(new byte[Math.toIntExact(type.bytes(f32.shape().elements()))]);
        try (Quantiser quantiser = new Quantiser(1)) {
            quantiser.convert(f32, type, data);
        }
        return new Tensor("matrix", type, f32.shape(), data);
    }

    Weight vector(float[] values) {
        return device.pack(WeightRole.VECTOR, List.of(new Tensor("vector", DType.F32, Shape.of(values.length), MemorySegment.ofArray(values))));
    }

    Buffer buffer(int rows, int cols) {
        return device.buffer(DType.F32, rows, cols);
    }

    Buffer buffer(float[][] rows) {
        Buffer buffer = buffer(rows.length, rows[0].length);
        for (int r = 0; r < rows.length; r++) access.write(buffer, r, rows[r]);
        return buffer;
    }

    void write(Buffer buffer, int row, float... values) {
        access.write(buffer, row, values);
    }

    /** The first rows, one after the other. */
    float[] read(Buffer buffer, int rows) {
        float[] all = new float[rows * buffer.cols()];
        for (int r = 0; r < rows; r++) System.arraycopy(access.read(buffer, r), 0, all, r * buffer.cols(), buffer.cols());
        return all;
    }

    void setSlot(int slot, SlotSetup setup) {
        start();
        device.setSlot(slot, setup);
    }

    /** Makes it the step at hand. From the first one on no weight can be packed. */
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
            for (int t = 0; t < tokens; t++) b.token(t % room.vocabulary(), t);
            for (int r = 0; r < Math.min(tokens, room.limits().maxLogitRows()); r++) b.row(r, 0, -1, -1);
        });
    }

    private void start() {
        if (started) return;
        started = true;
        device.start(room.limits(), cache, room.vocabulary());
        SlotSetup greedy = new SlotSetup(SamplingParams.GREEDY, 1, 0, 0, List.of(), new int[0], new int[0]);
        for (int slot = 0; slot < room.limits().maxSequences(); slot++) device.setSlot(slot, greedy);
    }

    /** Normally distributed. */
    static float[][] random(long seed, int rows, int cols) {
        Random random = new Random(seed);
        float[][] values = new float[rows][cols];
        for (float[] row : values) for (int i = 0; i < cols; i++) row[i] = (float) random.nextGaussian();
        return values;
    }

    private static float[] flat(float[][] rows) {
        float[] flat = new float[rows.length * rows[0].length];
        for (int r = 0; r < rows.length; r++) System.arraycopy(rows[r], 0, flat, r * rows[0].length, rows[0].length);
        return flat;
    }

    @Override
    public void close() {
        device.close();
    }
}
