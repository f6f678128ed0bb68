package dev.skald.compute.cuda;

import dev.skald.compute.DeviceLostException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jcuda.cudaDataType;
import jcuda.driver.CUstream;
import jcuda.jcublas.JCublas2;
import jcuda.jcublas.cublasGemmAlgo;
import jcuda.jcublas.cublasHandle;
import jcuda.jcublas.cublasOperation;
import jcuda.jcublas.cublasStatus;
import jcuda.runtime.cudaStream_t;

/** A product of two square bf16 matrices by cuBLAS, added up in f32, for measuring it. */
final class CublasProduct implements AutoCloseable {
    private static final int COMPUTE_32F = 68;

    private final cublasHandle handle = new cublasHandle();
    private final Address one;
    private final Address zero;
    private final int n;
    private final DeviceAddress a;
    private final DeviceAddress b;
    private final DeviceAddress out;

    /** @param a device memory, [n, n] bf16, @param b the same */
    CublasProduct(CudaMemory memory, CUstream stream, int n, long a, long b) {
        this.n = n;
        this.a = new DeviceAddress(a);
        this.b = new DeviceAddress(b);
        out = memory.allocate(4L * n * n, "a measurement");
        MemorySegment factors = memory.pinned(2 * Float.BYTES);
        factors.setAtIndex(ValueLayout.JAVA_FLOAT, 0, 1);
        factors.setAtIndex(ValueLayout.JAVA_FLOAT, 1, 0);
        one = new Address(factors.address());
        zero = new Address(factors.address() + Float.BYTES);
        check("cublasCreate", JCublas2.cublasCreate(handle));
        check("cublasSetStream", JCublas2.cublasSetStream(handle, new cudaStream_t(stream)));
    }

    void enqueue() {
        check("cublasGemmEx", JCublas2.cublasGemmEx_new(
                handle, cublasOperation.CUBLAS_OP_T, cublasOperation.CUBLAS_OP_N, n, n, n, one, a, cudaDataType.CUDA_R_16BF, n, b,
                cudaDataType.CUDA_R_16BF, n, zero, out, cudaDataType.CUDA_R_32F, n, COMPUTE_32F, cublasGemmAlgo.CUBLAS_GEMM_DEFAULT));
    }

    private static void check(String call, int code) {
        if (code == cublasStatus.CUBLAS_STATUS_SUCCESS) return;
        throw new DeviceLostException(call + " failed with " + cublasStatus.stringFor(code) + " (" + code + ")");
    }

    @Override
    public void close() {
        JCublas2.cublasDestroy(handle);
    }
}
