package dev.skald.compute.cuda;

import dev.skald.compute.BufferAccess;
import dev.skald.tensor.Buffer;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Opens a CUDA device's buffers to checks. Belongs to the device's thread. */
public final class CudaProbe implements BufferAccess {
    private final CudaDevice device;

    public CudaProbe(CudaDevice device) {
        this.device = device;
    }

    @Override
    public void write(Buffer buffer, int row, float... values) {
        CudaBuffer cuda = CudaBuffer.of(buffer, values.length, row + 1);
        try (Arena arena = Arena.ofConfined()) {
            device.write(cuda.address() + 4L * row * cuda.stride(), arena.allocateFrom(ValueLayout.JAVA_FLOAT, values));
        }
    }

    @Override
    public float[] read(Buffer buffer, int row) {
        CudaBuffer cuda = CudaBuffer.of(buffer, buffer.cols(), row + 1);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment host = arena.allocate(4L * cuda.cols(), 4);
            device.read(cuda.address() + 4L * row * cuda.stride(), host);
            return host.toArray(ValueLayout.JAVA_FLOAT);
        }
    }
}
