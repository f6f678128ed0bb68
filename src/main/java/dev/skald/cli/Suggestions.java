package dev.skald.cli;

import java.util.Collection;
import java.util.Comparator;
import java.util.Optional;

/** Guesses what somebody meant to type. */
final class Suggestions {
    private Suggestions() {}

    /** The candidate that is fewest edits away, if at most a third of it would have to change. */
    static Optional<String> nearest(String typed, Collection<String> candidates) {
        return candidates.stream()
                .filter(c -> edits(typed, c) <= Math.max(1, c.length() / 3))
                .min(Comparator.comparingInt((String c) -> edits(typed, c)).thenComparing(c -> c));
    }

    /** Levenshtein distance, a swap of neighbours counting as one. */
    static int edits(String a, String b) {
        int[][] d = new int[a.length() + 1][b.length() + 1];
        for (int i = 0; i <= a.length(); i++) d[i][0] = i;
        for (int j = 0; j <= b.length(); j++) d[0][j] = j;
        for (int i = 1; i <= a.length(); i++) {
            for (int j = 1; j <= b.length(); j++) {
                int change = a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1;
                d[i][j] = Math.min(Math.min(d[i - 1][j] + 1, d[i][j - 1] + 1), d[i - 1][j - 1] + change);
                boolean swapped = i > 1 && j > 1 && a.charAt(i - 1) == b.charAt(j - 2) && a.charAt(i - 2) == b.charAt(j - 1);
                if (swapped) d[i][j] = Math.min(d[i][j], d[i - 2][j - 2] + 1);
            }
        }
        return d[a.length()][b.length()];
    }
}
