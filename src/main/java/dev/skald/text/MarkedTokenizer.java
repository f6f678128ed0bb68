package dev.skald.text;

import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The second tokenizer of a folder, which knows special tokens only by their marks ({@link PlainTokenizerJson}). Immutable, thread-safe.
 */
final class MarkedTokenizer {
    private final long handle;
    /** Special tokens by their first character, the longest first. */
    private final Map<Character, List<AddedToken>> byStart = new HashMap<>();
    /** Where the library gave a mark another id than its token has: to the token's. */
    private final Map<Integer, Integer> remapped = new HashMap<>();

    /**
     * @param handle of a tokenizer made from {@link PlainTokenizerJson#write}
     * @param added  the added tokens of the file that it was made from
     */
    MarkedTokenizer(long handle, List<AddedToken> added) {
        this.handle = handle;
        List<AddedToken> special = added.stream()
                .filter(AddedToken::special)
                .sorted(Comparator.comparingInt((AddedToken token) -> token.content().length()).reversed())
                .toList();
        for (AddedToken token : special) {
            byStart.computeIfAbsent(token.content().charAt(0), c -> new java.util.ArrayList<>()).add(token);
            int[] ids = Tokenizer.encode(handle, PlainTokenizerJson.mark(token.id()), false);
            if (ids.length != 1) throw new TokenizerException("Special token \"" + token.content() + "\" can't be told from text");
            if (ids[0] != token.id()) remapped.put(ids[0], token.id());
        }
    }

    /** @return the text with marks for the special tokens that trusted characters spell, leftmost and longest first */
    String mark(TrustedText trusted) {
        String text = trusted.text();
        StringBuilder out = new StringBuilder(text.length() + 64);
        int copied = 0;
        int i = 0;
        while (i < text.length()) {
            AddedToken token = match(trusted, text, i);
            if (token == null) {
                i++;
                continue;
            }
            out.append(PlainTokenizerJson.withoutMarks(text.substring(copied, i))).append(PlainTokenizerJson.mark(token.id()));
            i += token.content().length();
            copied = i;
        }
        return out.append(PlainTokenizerJson.withoutMarks(text.substring(copied))).toString();
    }

    /** @return null if no special token begins here */
    private AddedToken match(TrustedText trusted, String text, int at) {
        List<AddedToken> candidates = byStart.get(text.charAt(at));
        if (candidates == null) return null;
        for (AddedToken token : candidates) {
            int end = at + token.content().length();
            if (!text.startsWith(token.content(), at) || !allTrusted(trusted, at, end)) continue;
            if (token.singleWord() && (at > 0 && isWord(text.codePointBefore(at)) || end < text.length() && isWord(text.codePointAt(end)))) continue;
            return token;
        }
        return null;
    }

    private static boolean allTrusted(TrustedText trusted, int start, int end) {
        for (int i = start; i < end; i++) if (!trusted.trusted(i)) return false;
        return true;
    }

    private static boolean isWord(int codePoint) {
        return Character.isLetterOrDigit(codePoint) || codePoint == '_';
    }

    /** @param marked text as {@link #mark} leaves it */
    int[] encode(String marked) {
        int[] ids = Tokenizer.encode(handle, marked, false);
        if (!remapped.isEmpty()) for (int i = 0; i < ids.length; i++) ids[i] = remapped.getOrDefault(ids[i], ids[i]);
        return ids;
    }
}
