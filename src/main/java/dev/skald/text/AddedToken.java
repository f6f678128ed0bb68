package dev.skald.text;

/**
 * A token that is looked for in the text before the model splits it.
 *
 * @param id         its number
 * @param content    the text that stands for it, not empty
 * @param special    it steers the model (a role, an end) and is left out of text that people read
 * @param singleWord only between characters that are no word characters
 * @param lstrip     swallows white space before it
 * @param rstrip     swallows white space after it
 * @param normalized looked for in normalised text
 */
record AddedToken(int id, String content, boolean special, boolean singleWord, boolean lstrip, boolean rstrip, boolean normalized) {
    AddedToken {
        if (id < 0) throw new IllegalArgumentException("added token \"" + content + "\" has the negative id " + id);
        if (content.isEmpty()) throw new IllegalArgumentException("added token " + id + " has no content");
    }
}
