package dev.skald.compute;

/** The device does not answer any more, or its memory can't be trusted: nothing will run on it again in this process. */
public final class DeviceLostException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** @param sentence names the call that failed and the device's own code */
    public DeviceLostException(String sentence) {
        super(sentence);
    }
}
