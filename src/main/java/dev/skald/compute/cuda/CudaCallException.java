package dev.skald.compute.cuda;

/** One call of the CUDA driver failed; the device goes on. */
final class CudaCallException extends RuntimeException {
    private static final long serialVersionUID = 1L;
    private final int code;

    CudaCallException(String sentence, int code) {
        super(sentence);
        this.code = code;
    }

    int code() {
        return code;
    }
}
