package dev.skald.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

class StopMatcherTest {
    private static final long SEED = 99;

    private static TextDelta delta(String... tokens) {
        int[] ends = new int[tokens.length];
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < tokens.length; i++) ends[i] = text.append(tokens[i]).length();
        return new TextDelta(text.toString(), new int[tokens.length], ends);
    }

    @Test
    void aStopAcrossDeltasNeverLeaksItsBeginning() {
        StopMatcher matcher = new StopMatcher(List.of("END"), false, 0);
        assertEquals("a", matcher.push(delta("aE")).text());
        assertEquals("", matcher.push(delta("N")).text());
        StopMatcher.Result last = matcher.push(delta("D", "more"));
        assertEquals("", last.text());
        assertEquals(Optional.of(new StopMatcher.Hit("END", 0)), last.hit());
        assertThrows(IllegalStateException.class, () -> matcher.push(delta("x")));
    }

    @Test
    void whatCannotBecomeAStopAnyMoreIsHandedOutAtOnce() {
        StopMatcher matcher = new StopMatcher(List.of("aab"), false, 0);
        assertEquals("", matcher.push(delta("aa")).text());
        assertEquals("a", matcher.push(delta("a")).text());
        assertEquals("aac", matcher.push(delta("c")).text());
        assertEquals("", matcher.finish());
    }

    @Test
    void theHeldTextComesAtTheEnd() {
        StopMatcher matcher = new StopMatcher(List.of("\n\nUser:"), false, 0);
        assertEquals("hi", matcher.push(delta("hi\n\nUs")).text());
        assertEquals("\n\nUs", matcher.finish());
    }

    @Test
    void theStopIsKeptOnDemand() {
        StopMatcher matcher = new StopMatcher(List.of("."), true, 0);
        StopMatcher.Result result = matcher.push(delta("One", ". Two", "."));
        assertEquals("One.", result.text());
        assertEquals(1, result.hit().orElseThrow().token());
    }

    @Test
    void earliestEndWinsAndThenTheLongest() {
        StopMatcher matcher = new StopMatcher(List.of("abcd", "bc", "xbc"), false, 0);
        StopMatcher.Result result = matcher.push(delta("1abcd"));
        assertEquals("1a", result.text());
        assertEquals("bc", result.hit().orElseThrow().stop());
        result = new StopMatcher(List.of("bc", "xbc"), false, 0).push(delta("1xbc"));
        assertEquals("1", result.text());
        assertEquals("xbc", result.hit().orElseThrow().stop());
    }

    @Test
    void beforeTheLeastNumberOfTokensAStopIsText() {
        StopMatcher matcher = new StopMatcher(List.of("."), false, 3);
        assertEquals("a", matcher.push(delta("a")).text());
        StopMatcher.Result second = matcher.push(delta("."));
        assertTrue(second.hit().isEmpty());
        String text = second.text();
        StopMatcher.Result third = matcher.push(delta("b."));
        assertEquals(".b", text + third.text());
        assertTrue(third.hit().isPresent());
    }

    @Test
    void limitsAreHeld() {
        assertThrows(IllegalArgumentException.class, () -> new StopMatcher(List.of(""), false, 0));
        assertThrows(IllegalArgumentException.class, () -> new StopMatcher(List.of("x".repeat(StopMatcher.MAX_STOP_CHARS + 1)), false, 0));
        assertThrows(IllegalArgumentException.class, () -> new StopMatcher(Collections.nCopies(StopMatcher.MAX_STOPS + 1, "x"), false, 0));
        StopMatcher none = new StopMatcher(List.of(), false, 0);
        assertEquals("anything", none.push(delta("anything")).text());
    }

    /** Against a search over the whole text at every length, which is all the definition there is. */
    @Test
    void agreesWithASearchOverTheWholeText() {
        Random random = new Random(SEED);
        int hits = 0;
        for (int round = 0; round < 20_000; round++) {
            String hint = "seed " + SEED + ", round " + round;
            List<String> stops = new ArrayList<>();
            for (int i = 1 + random.nextInt(3); i > 0; i--) stops.add(word(random, 1 + random.nextInt(5)));
            boolean include = random.nextBoolean();
            StopMatcher matcher = new StopMatcher(stops, include, 0);
            StringBuilder all = new StringBuilder();
            StringBuilder out = new StringBuilder();
            Optional<StopMatcher.Hit> hit = Optional.empty();
            for (int d = random.nextInt(12); d > 0 && hit.isEmpty(); d--) {
                String[] tokens = new String[random.nextInt(3)];
                int before = all.length();
                for (int i = 0; i < tokens.length; i++) all.append(tokens[i] = word(random, random.nextInt(4)));
                TextDelta delta = delta(tokens);
                StopMatcher.Result result = matcher.push(delta);
                out.append(result.text());
                hit = result.hit();
                String expectedHit = firstStop(all.toString(), stops);
                assertEquals(!expectedHit.isEmpty(), hit.isPresent(), hint);
                if (hit.isPresent()) {
                    hits++;
                    int end = endOf(all.toString(), stops);
                    assertEquals(expectedHit, hit.get().stop(), hint);
                    assertEquals(all.substring(0, include ? end : end - expectedHit.length()), out.toString(), hint);
                    int token = hit.get().token();
                    assertTrue(before + delta.textEnds()[token] >= end, hint);
                    assertTrue(before + (token == 0 ? 0 : delta.textEnds()[token - 1]) < end, hint);
                } else {
                    assertEquals(all.length() - couldBecome(all.toString(), stops), out.length(), hint);
                    assertTrue(all.toString().startsWith(out.toString()), hint);
                }
            }
            if (hit.isEmpty()) assertEquals(all.toString(), out + matcher.finish(), hint);
        }
        assertFalse(hits < 5_000, "only " + hits + " hits");
    }

    private static String word(Random random, int length) {
        StringBuilder out = new StringBuilder();
        for (int i = 0; i < length; i++) out.append("ab<".charAt(random.nextInt(3)));
        return out.toString();
    }

    private static int endOf(String text, List<String> stops) {
        for (int end = 1; end <= text.length(); end++) for (String stop : stops) if (text.startsWith(stop, end - stop.length())) return end;
        return -1;
    }

    private static String firstStop(String text, List<String> stops) {
        int end = endOf(text, stops);
        String best = "";
        for (String stop : stops) if (end >= 0 && stop.length() > best.length() && text.startsWith(stop, end - stop.length())) best = stop;
        return best;
    }

    private static int couldBecome(String text, List<String> stops) {
        for (int length = text.length(); length > 0; length--) {
            String end = text.substring(text.length() - length);
            if (stops.stream().anyMatch(stop -> stop.startsWith(end))) return length;
        }
        return 0;
    }
}
