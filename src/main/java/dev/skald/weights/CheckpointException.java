package dev.skald.weights;

/** A model file can't be used as it is. The message is one sentence that names the file and, where there is one, the tensor. */
public final class CheckpointException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public CheckpointException(String message) {
        super(message);
    }

    public CheckpointException(String message, Throwable cause) {
        super(message, cause);
    }
}
