package dev.skald.text;

import java.util.Optional;

/**
 * Decodes one sequence token by token. Text comes out as soon as its characters are whole, so a delta never splits one; tokens come out
 * with the text that they complete. The texts of all deltas together are what {@link Tokenizer#decode} makes of all tokens.
 *
 * <p>A token costs the same however long the sequence is, and at most {@link #MAX_HELD} of them are held back. Belongs to one thread.
 */
public sealed interface StreamDecoder permits ByteStreamDecoder, WindowStreamDecoder {
    /** So many tokens in a row without a whole character at their end come out all the same, their last character with a later delta. */
    int MAX_HELD = 16;

    /**
     * @param id the next token; one that the vocabulary lacks has no text
     * @return what it completes; empty while a character is half done
     */
    Optional<TextDelta> push(int id);

    /** Ends the sequence: a character that is still half done becomes U+FFFD. @return what was held back, if anything was */
    Optional<TextDelta> finish();
}
