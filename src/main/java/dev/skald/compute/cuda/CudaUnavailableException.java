package dev.skald.compute.cuda;

/** There is no CUDA device to run on: one sentence that says what is missing, the driver, a library, the card or its kernels. */
public final class CudaUnavailableException extends Exception {
    private static final long serialVersionUID = 1L;

    public CudaUnavailableException(String sentence) {
        super(sentence);
    }

    CudaUnavailableException(String sentence, Throwable cause) {
        super(sentence, cause);
    }
}
