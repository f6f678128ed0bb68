package dev.skald.text.jinja;

/** What a template made, with the origin of each character. Immutable. */
public final class RenderedText {
    private final Str text;

    RenderedText(Str text) {
        this.text = text;
    }

    public String text() {
        return text.text();
    }

    /**
     * @param index of a UTF-16 unit
     * @return whether it comes from outside of the template
     */
    public boolean isForeign(int index) {
        return text.isForeign(index);
    }

    /** @param length in UTF-16 units */
    public RenderedText upTo(int length) {
        return new RenderedText(text.substring(0, length));
    }
}
