package dev.skald.model;

/** A model can't be run: its configuration or its tensors are not what its architecture needs. The message is one sentence that says which. */
public final class ModelException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public ModelException(String message) {
        super(message);
    }

    public ModelException(String message, Throwable cause) {
        super(message, cause);
    }
}
