package dev.skald.compute.cuda;

import static dev.skald.compute.cuda.Driver.check;

import dev.skald.compute.Batch;
import dev.skald.compute.BatchLimits;
import dev.skald.compute.StepOutput;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jcuda.driver.CUevent;
import jcuda.driver.CUevent_flags;
import jcuda.driver.CUstream;
import jcuda.driver.JCudaDriver;

/**
 * A step's results, on the device and, once copied, in pinned memory: [rows] tokens, log-probabilities, ranks, then [rows, top] ids and
 * log-probabilities of the most likely tokens. Only what the step's rows asked for is copied.
 */
final class CudaStepOutput implements StepOutput, AutoCloseable {
    private final int maxRows;
    private final int maxTop;
    private final DeviceAddress device;
    private final MemorySegment host;
    private final Address hostAddress;
    private final CUevent copied = new CUevent();
    private boolean dirty;

    /** @param device {@link #bytes} of memory, which all outputs of these limits share: what one step left there is copied before the next comes */
    CudaStepOutput(CudaMemory memory, BatchLimits limits, DeviceAddress device) {
        maxRows = limits.maxLogitRows();
        maxTop = limits.maxTopLogprobs();
        this.device = device;
        host = memory.pinned(bytes(limits));
        hostAddress = new Address(host.address());
        check("cuEventCreate", JCudaDriver.cuEventCreate(copied, CUevent_flags.CU_EVENT_DISABLE_TIMING));
    }

    static long bytes(BatchLimits limits) {
        return 4L * limits.maxLogitRows() * (3 + 2 * limits.maxTopLogprobs());
    }

    /** @throws IllegalArgumentException if another device made it */
    static CudaStepOutput of(StepOutput output) {
        if (output instanceof CudaStepOutput cuda) return cuda;
        throw new IllegalArgumentException("an output of another device: " + output.getClass());
    }

    /** The members of the kernels' {@code Output}. */
    void put(Arguments arguments) {
        arguments.put(device.value()).put(maxRows).put(maxTop);
    }

    /** Its device memory is going to be written. */
    void touch() {
        dirty = true;
    }

    /** Whether the device's memory holds what was not copied yet. */
    boolean dirty() {
        return dirty;
    }

    /** Whether a kernel that writes one writes the other. */
    boolean sharesMemory(CudaStepOutput other) {
        return device.value() == other.device.value();
    }

    /** Enqueues the copy to the host, once for all that was written. */
    void copy(Batch batch, CUstream stream) {
        copy(4 * switch (mostWanted(batch)) {
            case -1 -> batch.rows();
            case 0 -> 3 * maxRows;
            default -> maxRows * (3 + 2 * maxTop);
        }, stream);
    }

    /** The same, whatever the step's rows asked for. */
    void copyAll(CUstream stream) {
        copy(4 * maxRows * (3 + 2 * maxTop), stream);
    }

    private void copy(int bytes, CUstream stream) {
        if (!dirty) return;
        dirty = false;
        if (bytes > 0) check("cuMemcpyDtoHAsync", JCudaDriver.cuMemcpyDtoHAsync(hostAddress, device, bytes, stream));
        check("cuEventRecord", JCudaDriver.cuEventRecord(copied, stream));
    }

    /** −1: no row of the step wants log-probabilities; else the greatest number of most likely tokens that one wants. */
    static int mostWanted(Batch batch) {
        int most = -1;
        for (int r = 0; r < batch.rows(); r++) most = Math.max(most, batch.rowTop(r));
        return most;
    }

    void await() {
        check("cuEventSynchronize", JCudaDriver.cuEventSynchronize(copied));
    }

    @Override
    public boolean invalid(int row) {
        return token(row) < 0;
    }

    @Override
    public int token(int row) {
        return intAt(row);
    }

    @Override
    public float logprob(int row) {
        return floatAt(maxRows + row);
    }

    @Override
    public int rank(int row) {
        return intAt(2 * maxRows + row);
    }

    @Override
    public int topToken(int row, int k) {
        return intAt(3 * maxRows + row * maxTop + k);
    }

    @Override
    public float topLogprob(int row, int k) {
        return floatAt((3 + maxTop) * maxRows + row * maxTop + k);
    }

    private int intAt(int index) {
        return host.getAtIndex(ValueLayout.JAVA_INT, index);
    }

    private float floatAt(int index) {
        return host.getAtIndex(ValueLayout.JAVA_FLOAT, index);
    }

    @Override
    public void close() {
        JCudaDriver.cuEventDestroy(copied);
    }
}
