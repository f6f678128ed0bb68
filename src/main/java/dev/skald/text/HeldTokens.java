package dev.skald.text;

import java.util.Arrays;
import java.util.Optional;

/** Tokens and text that wait for their delta. */
final class HeldTokens {
    private final int[] ids = new int[StreamDecoder.MAX_HELD];
    private final int[] ends = new int[StreamDecoder.MAX_HELD];
    private int count;
    /** Completed and not yet handed out. */
    final StringBuilder text = new StringBuilder();

    /** A token whose text, as far as it is complete, has been appended to {@link #text}. */
    void add(int id) {
        ids[count] = id;
        ends[count++] = text.length();
    }

    boolean full() {
        return count == ids.length;
    }

    /** @return everything, once; text that came without a token belongs to the last one */
    Optional<TextDelta> take() {
        if (count == 0 && text.isEmpty()) return Optional.empty();
        if (count > 0) ends[count - 1] = text.length();
        TextDelta delta = new TextDelta(text.toString(), Arrays.copyOf(ids, count), Arrays.copyOf(ends, count));
        text.setLength(0);
        count = 0;
        return Optional.of(delta);
    }
}
