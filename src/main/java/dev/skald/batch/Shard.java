package dev.skald.batch;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A part of the input for one job of several: lines that stand together, so that prefixes do too.
 *
 * @param part from 1, @param of parts in all
 */
public record Shard(int part, int of) {
    public static final Shard WHOLE = new Shard(1, 1);
    private static final Pattern FORM = Pattern.compile("(\\d{1,6})/(\\d{1,6})");

    /** @throws IllegalArgumentException saying what a shard looks like */
    public Shard {
        if (part < 1 || part > of) throw new IllegalArgumentException("shard " + part + "/" + of + " is none: expected K/N with K from 1 to N");
    }

    /** @param text K/N @throws IllegalArgumentException as above */
    public static Shard parse(String text) {
        Matcher m = FORM.matcher(text.strip());
        if (!m.matches()) throw new IllegalArgumentException("shard `" + text + "` is none: expected K/N, such as 1/8");
        return new Shard(Integer.parseInt(m.group(1)), Integer.parseInt(m.group(2)));
    }

    /** First line of the part, of an input with so many. */
    int from(int lines) {
        return (int) ((long) lines * (part - 1) / of) + 1;
    }

    /** Last line of the part; less than {@link #from} if there is none. */
    int to(int lines) {
        return (int) ((long) lines * part / of);
    }

    @Override
    public String toString() {
        return part + "/" + of;
    }
}
