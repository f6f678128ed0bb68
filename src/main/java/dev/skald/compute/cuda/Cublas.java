package dev.skald.compute.cuda;

import dev.skald.compute.DeviceLostException;
import dev.skald.tensor.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;
import jcuda.Pointer;
import jcuda.cudaDataType;
import jcuda.driver.CUstream;
import jcuda.jcublas.JCublas2;
import jcuda.jcublas.cublasGemmAlgo;
import jcuda.jcublas.cublasHandle;
import jcuda.jcublas.cublasOperation;
import jcuda.jcublas.cublasStatus;
import jcuda.runtime.cudaStream_t;

/** Products of many rows by cuBLAS, in f32, with a workspace of its own so that it allocates nothing. */
final class Cublas implements AutoCloseable {
    private static final long WORKSPACE_BYTES = 32 << 20;
    private static final int COMPUTE_32F = 68;

    private final cublasHandle handle = new cublasHandle();
    private final MemorySegment factors;
    private final Pointer one;
    private final Pointer zero;

    private Cublas(CudaMemory memory, CUstream stream) {
        check("cublasCreate", JCublas2.cublasCreate(handle));
        check("cublasSetStream", JCublas2.cublasSetStream(handle, new cudaStream_t(stream)));
        check("cublasSetWorkspace", JCublas2.cublasSetWorkspace(handle, memory.allocate(WORKSPACE_BYTES, "cuBLAS"), WORKSPACE_BYTES));
        factors = memory.pinned(2 * Float.BYTES);
        factors.setAtIndex(ValueLayout.JAVA_FLOAT, 0, 1);
        factors.setAtIndex(ValueLayout.JAVA_FLOAT, 1, 0);
        one = new Address(factors.address());
        zero = new Address(factors.address() + Float.BYTES);
    }

    /** Empty where there is no libcublas.so.12. */
    static Optional<Cublas> open(CudaMemory memory, CUstream stream) {
        return Driver.loadCublas() ? Optional.of(new Cublas(memory, stream)) : Optional.empty();
    }

    /**
     * Enqueues out [rows, weight.rows] = in [rows, weight.cols] · weightᵀ.
     *
     * @param in  of the weight's type, with {@code inStride} elements from row to row
     * @param out address of f32, with {@code outStride} elements from row to row
     */
    void multiply(CudaLinearWeight.Section weight, int rows, long in, int inStride, long out, int outStride) {
        int type = type(weight.layout());
        // What is row-major here is, transposed, column-major there.
        check("cublasGemmEx", JCublas2.cublasGemmEx_new(
                handle, cublasOperation.CUBLAS_OP_T, cublasOperation.CUBLAS_OP_N, weight.rows(), rows, weight.cols(), one,
                new DeviceAddress(weight.address()), type, weight.stride(), new DeviceAddress(in), type, inStride, zero,
                new DeviceAddress(out), cudaDataType.CUDA_R_32F, outStride, COMPUTE_32F, cublasGemmAlgo.CUBLAS_GEMM_DEFAULT));
    }

    private static int type(DType dtype) {
        return switch (dtype) {
            case F32 -> cudaDataType.CUDA_R_32F;
            case F16 -> cudaDataType.CUDA_R_16F;
            case BF16 -> cudaDataType.CUDA_R_16BF;
            default -> throw new IllegalArgumentException("cuBLAS knows no " + dtype);
        };
    }

    private static void check(String call, int code) {
        if (code != cublasStatus.CUBLAS_STATUS_SUCCESS) {
            throw new DeviceLostException("the CUDA device is lost: " + call + " failed with " + cublasStatus.stringFor(code) + " (" + code + ")");
        }
    }

    @Override
    public void close() {
        JCublas2.cublasDestroy(handle);
    }
}
