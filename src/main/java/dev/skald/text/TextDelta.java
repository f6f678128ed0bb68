package dev.skald.text;

/**
 * Newly completed text, and the tokens that completed it. Whoever gets it may keep it; nobody writes into its arrays.
 *
 * @param text     whole characters; empty if the tokens have no text
 * @param ids      the tokens, in order
 * @param textEnds length of {@code text} after each of them, UTF-16: a character belongs to the token that completes it
 */
public record TextDelta(String text, int[] ids, int[] textEnds) {
    public TextDelta {
        if (ids.length != textEnds.length) throw new IllegalArgumentException(ids.length + " tokens, but " + textEnds.length + " ends");
    }
}
