// The stand-in for cuBLAS: enough of GemmEx for Skald's products. As the real library picks another kernel for another shape, it adds in another order for
// another number of columns; else a test that results don't depend on the batch would pass for the wrong reason.
#include "device.h"

using namespace simcuda;

namespace {

constexpr int SUCCESS = 0, CUBLAS_INVALID_VALUE = 7, CUBLAS_NOT_SUPPORTED = 15;
constexpr int CUDA_R_32F = 0, CUDA_R_16F = 2, CUDA_R_16BF = 14, COMPUTE_32F = 68;

struct Handle {
    void* stream = nullptr;
};

struct Matrix {
    const void* data;
    int type, leading;
    bool transposed;

    float at(int row, int col) const {
        size_t i = transposed ? size_t(row) * leading + col : size_t(col) * leading + row;
        switch (type) {
            case CUDA_R_32F: return static_cast<const float*>(data)[i];
            case CUDA_R_16F: return __half2float(static_cast<const __half*>(data)[i]);
            default: return __bfloat162float(static_cast<const __nv_bfloat16*>(data)[i]);
        }
    }
};

float dot(const Matrix& a, const Matrix& b, int row, int col, int k, int piece) {
    float sum = 0;
    for (int begin = 0; begin < k; begin += piece) {
        float part = 0;
        for (int i = begin; i < k && i < begin + piece; i++) part = std::fmaf(a.at(row, i), b.at(i, col), part);
        sum += part;
    }
    return sum;
}

}  // namespace

extern "C" {

int cublasCreate_v2(Handle** handle) {
    *handle = new Handle;
    return SUCCESS;
}
int cublasDestroy_v2(Handle* handle) {
    delete handle;
    return SUCCESS;
}
int cublasGetVersion_v2(Handle*, int* version) {
    *version = 120600;
    return SUCCESS;
}
int cublasSetStream_v2(Handle* handle, void* stream) {
    handle->stream = stream;
    return SUCCESS;
}
int cublasSetWorkspace_v2(Handle*, void* workspace, size_t bytes) { return isDevice(workspace, bytes) ? SUCCESS : CUBLAS_INVALID_VALUE; }
int cublasSetMathMode(Handle*, int) { return SUCCESS; }

int cublasGemmEx(Handle* handle, int transA, int transB, int m, int n, int k, const void* alpha, const void* a, int typeA, int lda, const void* b, int typeB,
                 int ldb, const void* beta, void* c, int typeC, int ldc, int compute, int) {
    auto known = [](int type) { return type == CUDA_R_32F || type == CUDA_R_16F || type == CUDA_R_16BF; };
    if (!known(typeA) || typeA != typeB || typeC != CUDA_R_32F || compute != COMPUTE_32F) return CUBLAS_NOT_SUPPORTED;
    float scale = *static_cast<const float*>(alpha), keep = *static_cast<const float*>(beta);
    Matrix left{a, typeA, lda, transA != 0}, right{b, typeB, ldb, transB != 0};
    if (!isDevice(c, size_t(ldc) * (n - 1) * 4 + size_t(m) * 4)) return CUBLAS_INVALID_VALUE;
    enqueue(streamOf(handle->stream), [=] {
        int piece = n % 3 == 0 ? k : n % 3 == 1 ? 64 : 32;
        for (int col = 0; col < n; col++) {
            for (int row = 0; row < m; row++) {
                float& out = static_cast<float*>(c)[size_t(col) * ldc + row];
                float product = scale * dot(left, right, row, col, k, piece);
                out = keep == 0 ? product : product + keep * out;
                if (checking) checkWritten(&out, sizeof out);
            }
        }
        return OK;
    });
    return SUCCESS;
}

}
