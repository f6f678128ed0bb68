package dev.skald.compute;

/** The model, or one full-length sequence, does not fit. The message gives the numbers and what to change. */
public final class InsufficientMemoryException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public InsufficientMemoryException(String message) {
        super(message);
    }
}
