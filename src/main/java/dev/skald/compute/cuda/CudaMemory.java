package dev.skald.compute.cuda;

import static dev.skald.compute.cuda.Driver.check;

import dev.skald.compute.InsufficientMemoryException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import jcuda.driver.CUresult;
import jcuda.driver.JCudaDriver;

/** Allocations of device memory and of pinned host memory, freed together. All are made before a device starts. */
final class CudaMemory implements AutoCloseable {
    private static final long MEBI = 1 << 20;

    private final List<DeviceAddress> device = new ArrayList<>();
    private final List<Address> pinned = new ArrayList<>();

    /** @param what named if there is no room @return 256-byte aligned */
    DeviceAddress allocate(long bytes, String what) {
        DeviceAddress address = new DeviceAddress();
        try {
            check("cuMemAlloc", JCudaDriver.cuMemAlloc(address, Math.max(bytes, 1)));
        } catch (CudaCallException e) {
            if (e.code() != CUresult.CUDA_ERROR_OUT_OF_MEMORY) throw e;
            throw new InsufficientMemoryException("the GPU has no " + Math.ceilDiv(bytes, MEBI) + " MiB left for " + what
                    + "; lower --kv-cache-memory-bytes, --max-num-seqs or --max-num-batched-tokens");
        }
        device.add(address);
        return address;
    }

    /** Host memory that the device copies from and to by itself; holds anything. */
    MemorySegment pinned(long bytes) {
        Address address = new Address();
        check("cuMemHostAlloc", JCudaDriver.cuMemHostAlloc(address, bytes, 0));
        pinned.add(address);
        return MemorySegment.ofAddress(address.value()).reinterpret(bytes);
    }

    /** Gives back pinned memory before the rest. */
    void freePinned(MemorySegment segment) {
        Address address = pinned.stream().filter(p -> p.value() == segment.address()).findFirst().orElseThrow();
        pinned.remove(address);
        check("cuMemFreeHost", JCudaDriver.cuMemFreeHost(address));
    }

    /** On a lost device nothing can be freed, and nothing need be: the process ends. */
    @Override
    public void close() {
        device.forEach(JCudaDriver::cuMemFree);
        pinned.forEach(JCudaDriver::cuMemFreeHost);
        device.clear();
        pinned.clear();
    }
}
