package dev.skald.compute.cpu;

import dev.skald.compute.Device;
import dev.skald.compute.KvCache;
import dev.skald.compute.TestDevice;
import dev.skald.tensor.Buffer;
import dev.skald.tensor.DType;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/** Opens the CPU device's memory to tests. */
public final class CpuTestDevice implements TestDevice {
    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;

    private final CpuDevice device;

    /** Kernels in Java. @param threads compute threads */
    public CpuTestDevice(int threads) {
        device = CpuDevice.open(CpuOptions.java(threads));
    }

    /** Native kernels. @param isa one of {@link #nativeIsas} */
    public CpuTestDevice(int threads, String isa) {
        device = CpuDevice.open(new CpuOptions(OptionalInt.of(threads), CpuOptions.Choice.NATIVE, Optional.of(isa), Optional.of(nativeFolder())));
    }

    /** Instruction sets of native kernels that can be tested here, best first; none where the build found no C compiler. */
    public static List<String> nativeIsas() {
        Path library = nativeFolder().resolve(NativeLibrary.fileName());
        return Files.exists(library) ? NativeLibrary.load(library).isas() : List.of();
    }

    static Path nativeFolder() {
        return Path.of(System.getProperty("skald.home", "target/skald"), "native");
    }

    @Override
    public Device device() {
        return device;
    }

    /** Threads of all pools of this JVM but the calling ones. */
    static long[] workerIds() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().startsWith("skald-compute-"))
                .mapToLong(Thread::threadId)
                .toArray();
    }

    /** Units of the last attention that were divided by ranges of splits. */
    int dividedUnits() {
        return ((CpuOps) device.ops()).attentionPlan().dividedUnits();
    }

    @Override
    public void write(Buffer buffer, int row, float... values) {
        if (values.length != buffer.cols()) throw new IllegalArgumentException(values.length + " values for " + buffer.cols());
        CpuBuffer cpu = CpuBuffer.of(buffer);
        for (int i = 0; i < values.length; i++) cpu.memory().set(FLOAT, cpu.offset(row) + 4L * i, values[i]);
    }

    @Override
    public float[] read(Buffer buffer, int row) {
        CpuBuffer cpu = CpuBuffer.of(buffer);
        float[] values = new float[cpu.cols()];
        for (int i = 0; i < values.length; i++) values[i] = cpu.memory().get(FLOAT, cpu.offset(row) + 4L * i);
        return values;
    }

    /** Keys lie as [kv head, head dimension, token in block]. */
    @Override
    public float[] keys(KvCache cache, int layer, int block, int tokenInBlock) {
        CpuKvCache kv = CpuKvCache.of(cache);
        return all(kv, kv.keys(layer) - kv.memory().address() + block * kv.blockBytes(), (i, dim) -> i * CpuKvCache.BLOCK_TOKENS + tokenInBlock, (b, blocks) -> b * CpuKvCache.BLOCK_TOKENS + tokenInBlock);
    }

    /** Values lie as [kv head, token in block, head dimension]. */
    @Override
    public float[] values(KvCache cache, int layer, int block, int tokenInBlock) {
        CpuKvCache kv = CpuKvCache.of(cache);
        return all(kv, kv.values(layer) - kv.memory().address() + block * kv.blockBytes(), (i, dim) -> tokenInBlock * dim + i, (b, blocks) -> tokenInBlock * blocks + b);
    }

    private interface Place {
        /** Index of element (or scale) {@code i} of a head inside its block. */
        long of(int i, int count);
    }

    private static float[] all(CpuKvCache kv, long block, Place place, Place scale) {
        int dim = kv.group().headDim();
        float[] row = new float[kv.group().kvHeads() * dim];
        for (int j = 0; j < row.length; j++) {
            long head = block + j / dim * kv.headBytes();
            row[j] = element(kv, head, place.of(j % dim, dim));
            if (!kv.group().dtype().quantised()) continue;
            long scales = head + (long) CpuKvCache.BLOCK_TOKENS * dim;
            row[j] *= Float.float16ToFloat(kv.memory().get(SHORT, scales + 2 * scale.of(j % dim / 32, kv.group().scalesPerHead())));
        }
        return row;
    }

    private static float element(CpuKvCache kv, long base, long index) {
        DType type = kv.group().dtype();
        long at = base + index * (type.quantised() ? 1 : type.bytes());
        return switch (type) {
            case F32 -> kv.memory().get(FLOAT, at);
            case F16 -> Float.float16ToFloat(kv.memory().get(SHORT, at));
            case BF16 -> Float.intBitsToFloat(kv.memory().get(SHORT, at) << 16);
            case Q8_0 -> kv.memory().get(ValueLayout.JAVA_BYTE, at);
            default -> throw new IllegalStateException("no cache is I32");
        };
    }
}
