package dev.skald.text;

/**
 * Text of which each character is either trusted (the template wrote it) or not (it came with a request).
 */
public interface TrustedText {
    /** The characters. */
    String text();

    /**
     * @param index of a UTF-16 unit
     * @return whether that unit comes from the template itself
     */
    boolean trusted(int index);
}
