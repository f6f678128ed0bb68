package dev.skald.text.jinja;

/** What one rendering has used of its {@link JinjaLimits}. */
final class Budget {
    private final JinjaLimits limits;
    private long steps;
    private long chars;
    private int depth;

    Budget(JinjaLimits limits) {
        this.limits = limits;
    }

    void step() {
        steps(1);
    }

    void steps(long count) {
        steps += count;
        if (steps > limits.maxSteps()) throw JinjaException.limit("The template takes more than " + limits.maxSteps() + " steps");
    }

    /** Before text of that length is made. */
    void chars(long count) {
        chars += count;
        if (chars > limits.maxTextChars()) {
            throw JinjaException.limit("The template makes more than " + limits.maxTextChars() + " characters of text");
        }
    }

    /** Goes one level down; {@link #leave} comes back. */
    void enter() {
        if (++depth > limits.maxDepth()) throw JinjaException.limit("The template nests more than " + limits.maxDepth() + " levels deep");
    }

    void leave() {
        depth--;
    }
}
