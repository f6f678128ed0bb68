package dev.skald.quantize;

/** A tensor can't be quantised as it is. The message is one sentence that names the tensor. */
public final class QuantisationException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    QuantisationException(String message) {
        super(message);
    }
}
