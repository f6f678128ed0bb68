package dev.skald.compute.cuda;

import static dev.skald.compute.cuda.Driver.check;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalDouble;
import jcuda.driver.CUdevice_attribute;
import jcuda.driver.CUfunction;
import jcuda.driver.JCudaDriver;

/**
 * A card by itself, before a model is on it: what the driver says of it, and what it can do at most. Rates are the best of a few rounds, each long
 * enough that waiting for its end doesn't count. Belongs to the thread that opened it.
 */
public final class CudaCard implements AutoCloseable {
    /** A function that only the software device of native/simcuda has. */
    private static final String ONLY_SIMULATED = "simcuda_counters";

    private static final int ROUNDS = 4;
    private static final int REPEATS = 8;
    private static final int PIECE = 16;
    private static final int CHAINS = 8;
    private static final int OPERATIONS = 4096;
    private static final int BLOCKS_PER_MULTIPROCESSOR = 8;

    private final CudaContext context;
    private final CudaMemory memory = new CudaMemory();
    private final Kernels kernels;

    private CudaCard(CudaContext context, Kernels kernels) {
        this.context = context;
        this.kernels = kernels;
    }

    /** @throws CudaUnavailableException in one sentence: what is missing */
    public static CudaCard open(CudaSettings settings) throws CudaUnavailableException {
        CudaContext context = CudaContext.open(settings.ordinal());
        try {
            return new CudaCard(context, Kernels.load(settings.kernels()));
        } catch (CudaUnavailableException | RuntimeException e) {
            context.close();
            throw e;
        }
    }

    /** Whether this process's CUDA driver is the software device, which only says that it computes rightly, and nothing of speed. */
    public static boolean simulated() {
        try (Arena arena = Arena.ofConfined()) {
            return SymbolLookup.libraryLookup("libcuda.so.1", arena).find(ONLY_SIMULATED).isPresent();
        } catch (IllegalArgumentException e) {
            return false;
        }
    }

    public String name() {
        return context.name();
    }

    /** What the driver says, under stable names; bytes, kHz and bits as there. */
    public Map<String, Object> report() {
        Map<String, Object> report = new LinkedHashMap<>();
        report.put("card", context.name());
        report.put("isa", context.isa());
        report.put("memory_bytes", context.totalBytes());
        report.put("free_bytes", context.freeBytes());
        report.put("multiprocessors", context.multiprocessors());
        report.put("driver_cuda", context.driverVersion() / 1000 + "." + context.driverVersion() % 1000 / 10);
        report.put("clock_khz", context.attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_CLOCK_RATE));
        report.put("memory_clock_khz", context.attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MEMORY_CLOCK_RATE));
        report.put("memory_bus_bits", context.attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_GLOBAL_MEMORY_BUS_WIDTH));
        report.put("l2_bytes", context.attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE));
        report.put("ecc", context.attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_ECC_ENABLED) != 0);
        report.put("cublas", Driver.loadCublas());
        return report;
    }

    /** 10⁹ bytes per second that all multiprocessors read together. @param bytes several times what the card's cache holds */
    public double readGigabytes(long bytes) {
        long pieces = bytes / PIECE;
        int blocks = BLOCKS_PER_MULTIPROCESSOR * context.multiprocessors();
        long from = filled(bytes);
        long sums = memory.allocate(4L * blocks, "a measurement").value();
        CUfunction function = kernels.function("skald_probe_read");
        return pieces * PIECE / fastest(() -> {
            kernels.arguments().begin().put(from).put(sums).put(pieces);
            kernels.launch(function, blocks, 1, 1, 0, context.stream());
        });
    }

    /** 10⁹ bytes per second, those read and those written together, of a copy within the card. */
    public double copyGigabytes(long bytes) {
        DeviceAddress from = new DeviceAddress(filled(bytes));
        DeviceAddress to = memory.allocate(bytes, "a measurement");
        return 2.0 * bytes / fastest(() -> check("cuMemcpyDtoDAsync", JCudaDriver.cuMemcpyDtoDAsync(to, from, bytes, context.stream())));
    }

    /** 10⁹ bytes per second from pinned memory of the host to the card. */
    public double uploadGigabytes(long bytes) {
        Address from = new Address(pinned(bytes).address());
        DeviceAddress to = memory.allocate(bytes, "a measurement");
        return bytes / fastest(() -> check("cuMemcpyHtoDAsync", JCudaDriver.cuMemcpyHtoDAsync(to, from, bytes, context.stream())));
    }

    /** 10⁹ bytes per second from the card to pinned memory of the host. */
    public double downloadGigabytes(long bytes) {
        DeviceAddress from = new DeviceAddress(filled(bytes));
        Address to = new Address(pinned(bytes).address());
        return bytes / fastest(() -> check("cuMemcpyDtoHAsync", JCudaDriver.cuMemcpyDtoHAsync(to, from, bytes, context.stream())));
    }

    /**
     * 10¹² operations per second (a multiply-add is two) of bf16 products by mma.sync from registers: what our own kernels could reach. Newer
     * cards do more by instructions of their own, which cuBLAS uses.
     *
     * @throws IllegalStateException if the products are wrong
     */
    public double productTeras(int rounds) {
        int blocks = BLOCKS_PER_MULTIPROCESSOR * context.multiprocessors();
        int threads = blocks * Kernels.BLOCK;
        DeviceAddress out = memory.allocate(4L * threads, "a measurement");
        CUfunction function = kernels.function("skald_probe_products");
        double nanos = fastest(() -> {
            kernels.arguments().begin().put(out.value()).put(rounds).put(0);
            kernels.launch(function, blocks, 1, 1, 0, context.stream());
        });
        MemorySegment last = memory.pinned(4);
        check("cuMemcpyDtoH", JCudaDriver.cuMemcpyDtoH(new Address(last.address()), new DeviceAddress(out.value() + 4L * (threads - 1)), 4));
        float expected = 16f * CHAINS * 4 * rounds;
        float found = last.get(ValueLayout.JAVA_FLOAT, 0);
        if (found != expected) throw new IllegalStateException("products of ones sum up to " + found + ", not " + expected);
        return (double) CHAINS * rounds * OPERATIONS * (threads / 32.0) / nanos / 1e3;
    }

    /**
     * As {@link #productTeras}, of cuBLAS multiplying two matrices [n, n]; empty where there is no cuBLAS. They hold zeros, at which a card draws less power than
     * at numbers: what a model reaches is held against the most that there is.
     */
    public OptionalDouble cublasTeras(int n) {
        if (!Driver.loadCublas()) return OptionalDouble.empty();
        long bytes = 2L * n * n;
        try (CublasProduct product = new CublasProduct(memory, context.stream(), n, filled(bytes), filled(bytes))) {
            return OptionalDouble.of(2.0 * n * n * n / fastest(product::enqueue) / 1e3);
        }
    }

    /** Of zeros: memory that nobody wrote may be kept nowhere at all. */
    private long filled(long bytes) {
        DeviceAddress address = memory.allocate(bytes, "a measurement");
        check("cuMemsetD8Async", JCudaDriver.cuMemsetD8Async(address, (byte) 0, bytes, context.stream()));
        return address.value();
    }

    private MemorySegment pinned(long bytes) {
        return memory.pinned(bytes).fill((byte) 1);
    }

    /** Nanoseconds that one of them takes. */
    private double fastest(Runnable enqueue) {
        double best = Double.MAX_VALUE;
        for (int round = 0; round <= ROUNDS; round++) { // the first one warms up
            synchronise();
            long begun = System.nanoTime();
            for (int i = 0; i < REPEATS; i++) enqueue.run();
            synchronise();
            if (round > 0) best = Math.min(best, (double) (System.nanoTime() - begun) / REPEATS);
        }
        return best;
    }

    private void synchronise() {
        check("cuStreamSynchronize", JCudaDriver.cuStreamSynchronize(context.stream()));
    }

    @Override
    public void close() {
        memory.close();
        kernels.close();
        context.close();
    }
}
