package dev.skald.text;

import dev.skald.text.jinja.RenderedText;

/** A rendered conversation. The template's own text is trusted, whatever came with the request is not. Immutable. */
public final class ChatPrompt implements TrustedText {
    private final RenderedText rendered;

    ChatPrompt(RenderedText rendered) {
        this.rendered = rendered;
    }

    @Override
    public String text() {
        return rendered.text();
    }

    @Override
    public boolean trusted(int index) {
        return !rendered.isForeign(index);
    }
}
