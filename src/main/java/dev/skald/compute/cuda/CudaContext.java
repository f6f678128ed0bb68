package dev.skald.compute.cuda;

import static dev.skald.compute.cuda.Driver.check;

import java.nio.charset.StandardCharsets;
import java.util.Locale;
import jcuda.driver.CUcontext;
import jcuda.driver.CUdevice;
import jcuda.driver.CUdevice_attribute;
import jcuda.driver.CUresult;
import jcuda.driver.CUstream;
import jcuda.driver.CUstream_flags;
import jcuda.driver.JCudaDriver;

/** One card, its primary context and the one stream on which everything is enqueued. */
final class CudaContext implements AutoCloseable {
    private static final int LEAST_MAJOR = 8;
    private static final int NAME_BYTES = 256;
    private static final long MEBI = 1 << 20;

    private final CUdevice device;
    private final CUcontext context = new CUcontext();
    private final CUstream stream = new CUstream();
    private final String name;
    private final int major;
    private final int minor;
    private final int multiprocessors;
    private final int driver;
    private Thread owner = Thread.currentThread();
    private boolean closed;

    private CudaContext(CUdevice device) throws CudaUnavailableException {
        this.device = device;
        byte[] bytes = new byte[NAME_BYTES];
        check("cuDeviceGetName", JCudaDriver.cuDeviceGetName(bytes, bytes.length, device));
        int length = 0;
        while (length < bytes.length && bytes[length] != 0) length++;
        name = new String(bytes, 0, length, StandardCharsets.UTF_8);
        major = attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR);
        minor = attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR);
        multiprocessors = attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT);
        int[] version = new int[1];
        check("cuDriverGetVersion", JCudaDriver.cuDriverGetVersion(version));
        driver = version[0];
        if (major < LEAST_MAJOR) {
            throw new CudaUnavailableException(name + " has compute capability " + major + "." + minor + "; the kernels need " + LEAST_MAJOR + ".0 or more");
        }
        check("cuDevicePrimaryCtxRetain", JCudaDriver.cuDevicePrimaryCtxRetain(context, device));
        check("cuCtxSetCurrent", JCudaDriver.cuCtxSetCurrent(context));
        check("cuStreamCreate", JCudaDriver.cuStreamCreate(stream, CUstream_flags.CU_STREAM_NON_BLOCKING));
    }

    static CudaContext open(int ordinal) throws CudaUnavailableException {
        Driver.load();
        int code = JCudaDriver.cuInit(0);
        if (code != CUresult.CUDA_SUCCESS) throw new CudaUnavailableException("the NVIDIA driver finds no card it can use: cuInit failed with " + Driver.name(code));
        int[] count = new int[1];
        check("cuDeviceGetCount", JCudaDriver.cuDeviceGetCount(count));
        if (ordinal >= count[0]) throw new CudaUnavailableException("there is no GPU number " + ordinal + "; the driver has " + count[0]);
        CUdevice device = new CUdevice();
        check("cuDeviceGet", JCudaDriver.cuDeviceGet(device, ordinal));
        return new CudaContext(device);
    }

    /** Makes the context current on the calling thread, if another one called last. */
    void enter() {
        if (closed) throw new IllegalStateException("the device is closed");
        if (owner == Thread.currentThread()) return;
        check("cuCtxSetCurrent", JCudaDriver.cuCtxSetCurrent(context));
        owner = Thread.currentThread();
    }

    /** As {@link #enter}, on a device that may be lost: nothing under way is left behind if it isn't. */
    void enterToClose() {
        JCudaDriver.cuCtxSetCurrent(context);
        JCudaDriver.cuStreamSynchronize(stream);
        owner = Thread.currentThread();
    }

    CUstream stream() {
        return stream;
    }

    String name() {
        return name;
    }

    /** e.g. "sm_90". */
    String isa() {
        return "sm_" + major + minor;
    }

    int multiprocessors() {
        return multiprocessors;
    }

    boolean closed() {
        return closed;
    }

    long freeBytes() {
        return memory()[0];
    }

    /** Kept free of weights and cache, for tables, workspace and the driver's own needs. */
    static long reservedBytes(long free) {
        return Math.min(free / 8, 1024 * MEBI);
    }

    String describe() {
        return String.format(
                Locale.ROOT, "%,d MiB of memory, compute capability %d.%d, %d multiprocessors, driver for CUDA %d.%d",
                memory()[1] / MEBI, major, minor, multiprocessors, driver / 1000, driver % 1000 / 10);
    }

    long totalBytes() {
        return memory()[1];
    }

    /** The newest CUDA that the driver knows, e.g. 13000 for 13.0. */
    int driverVersion() {
        return driver;
    }

    private long[] memory() {
        long[] free = new long[1];
        long[] total = new long[1];
        check("cuMemGetInfo", JCudaDriver.cuMemGetInfo(free, total));
        return new long[] {free[0], total[0]};
    }

    /** @param which a CUdevice_attribute @return its value; 0 where the driver says nothing of it */
    int attribute(int which) {
        int[] value = new int[1];
        check("cuDeviceGetAttribute", JCudaDriver.cuDeviceGetAttribute(value, which, device));
        return value[0];
    }

    @Override
    public void close() {
        closed = true;
        JCudaDriver.cuStreamDestroy(stream);
        JCudaDriver.cuDevicePrimaryCtxRelease(device);
    }
}
