package dev.skald.text.jinja;

import java.time.Clock;
import java.util.Map;

/**
 * One rendering of one template. Belongs to the thread that renders.
 *
 * @param budget  what is left to it
 * @param clock   of strftime_now, with its time zone
 * @param globals the variables that the caller gave, and the functions
 */
record Rendering(Budget budget, Clock clock, Map<String, Value> globals) {
    StrBuilder builder() {
        return new StrBuilder(budget);
    }
}
