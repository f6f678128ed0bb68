package dev.skald.text;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Finds stop strings in one sequence's text as it comes, whatever the deltas' borders. Text that could still become a stop string is held
 * back, and nothing else is: exactly the longest end of the text so far that begins one of them. Text that is handed out therefore never
 * holds any part of the stop that ends it.
 *
 * <p>The match that is complete first wins; of several that end at the same character, the longest. An Aho–Corasick automaton: a character
 * costs the same whatever the number of strings. Belongs to one thread.
 */
public final class StopMatcher {
    public static final int MAX_STOPS = 64;
    /** Of one stop string, UTF-16. */
    public static final int MAX_STOP_CHARS = 1024;

    /**
     * @param stop  the string that was found
     * @param token index in the delta of the token that completed it; that delta's later tokens are not part of the sequence
     */
    public record Hit(String stop, int token) {}

    /** @param text to hand out now, @param hit the end of the sequence, after that text */
    public record Result(String text, Optional<Hit> hit) {}

    private final List<String> stops;
    private final boolean includeStop;
    private final int minTokens;
    private final List<Map<Character, Integer>> next = new ArrayList<>();
    private final int[] fail, depth, longest;

    private final StringBuilder held = new StringBuilder();
    private int state;
    private int tokens;
    private boolean done;

    /**
     * @param stops       not empty each
     * @param includeStop the text ends after the stop string, not before it
     * @param minTokens   a stop string that an earlier token completes (the first is 1) is text like any other
     * @throws IllegalArgumentException beyond the limits, or for an empty string
     */
    public StopMatcher(List<String> stops, boolean includeStop, int minTokens) {
        if (stops.size() > MAX_STOPS) throw new IllegalArgumentException(stops.size() + " stop strings; at most " + MAX_STOPS);
        for (String stop : stops) {
            if (stop.isEmpty()) throw new IllegalArgumentException("a stop string is empty");
            if (stop.length() > MAX_STOP_CHARS) {
                throw new IllegalArgumentException("a stop string has " + stop.length() + " characters; at most " + MAX_STOP_CHARS);
            }
        }
        this.stops = List.copyOf(stops);
        this.includeStop = includeStop;
        this.minTokens = minTokens;
        int nodes = 1 + stops.stream().mapToInt(String::length).sum();
        this.fail = new int[nodes];
        this.depth = new int[nodes];
        this.longest = new int[nodes];
        Arrays.fill(longest, -1);
        buildTrie();
        buildFailLinks();
    }

    private void buildTrie() {
        next.add(new HashMap<>());
        for (int s = 0; s < stops.size(); s++) {
            int node = 0;
            for (char c : stops.get(s).toCharArray()) {
                Integer child = next.get(node).get(c);
                if (child == null) {
                    child = next.size();
                    next.add(new HashMap<>());
                    next.get(node).put(c, child);
                    depth[child] = depth[node] + 1;
                }
                node = child;
            }
            longest[node] = s;
        }
    }

    /** Breadth first, so that a node's fail link, which is shorter, is finished before it. */
    private void buildFailLinks() {
        Deque<Integer> queue = new ArrayDeque<>(next.get(0).values());
        while (!queue.isEmpty()) {
            int node = queue.remove();
            if (longest[node] < 0) longest[node] = longest[fail[node]];
            next.get(node).forEach((c, child) -> {
                fail[child] = step(fail[node], c);
                queue.add(child);
            });
        }
    }

    private int step(int from, char c) {
        for (int node = from; ; node = fail[node]) {
            Integer child = next.get(node).get(c);
            if (child != null) return child;
            if (node == 0) return 0;
        }
    }

    /**
     * @param delta the sequence's next tokens and their text
     * @return text to hand out, and the end if this delta brings it; then nothing more may be pushed
     */
    public Result push(TextDelta delta) {
        if (done) throw new IllegalStateException("the sequence has ended");
        String text = delta.text();
        int token = 0;
        for (int i = 0; i < text.length(); i++) {
            state = step(state, text.charAt(i));
            held.append(text.charAt(i));
            if (longest[state] < 0) continue;
            while (delta.textEnds()[token] <= i) token++;
            if (tokens + token + 1 >= minTokens) return end(stops.get(longest[state]), token);
        }
        tokens += delta.ids().length;
        String out = held.substring(0, held.length() - depth[state]);
        held.delete(0, out.length());
        return new Result(out, Optional.empty());
    }

    private Result end(String stop, int token) {
        done = true;
        if (!includeStop) held.setLength(held.length() - stop.length());
        return new Result(held.toString(), Optional.of(new Hit(stop, token)));
    }

    /** The sequence ended for another reason. @return the text that was held back */
    public String finish() {
        done = true;
        return held.toString();
    }
}
