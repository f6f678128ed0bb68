package dev.skald.weights;

/** Names that files give, fit for a message. */
final class Printable {
    private static final int MAX_CHARACTERS = 100;

    private Printable() {}

    /** The name without control characters, cut where it is long. */
    static String of(String name) {
        StringBuilder printable = new StringBuilder();
        name.codePoints()
                .limit(MAX_CHARACTERS)
                .map(c -> Character.isISOControl(c) ? '?' : c)
                .forEach(printable::appendCodePoint);
        return printable.length() < name.length() ? printable + "…" : printable.toString();
    }
}
