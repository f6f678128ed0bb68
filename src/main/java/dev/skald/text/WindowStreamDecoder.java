package dev.skald.text;

import java.util.Arrays;
import java.util.Optional;

/**
 * For decoders that only the library knows. Text of a token depends on its neighbours, so a window of tokens is decoded with and without the
 * new ones; the difference is their text.
 */
final class WindowStreamDecoder implements StreamDecoder {
    /** Tokens before the new ones that decide about their spacing. */
    private static final int CONTEXT = 4;

    private final Tokenizer tokenizer;
    private final boolean skipSpecial;
    private final HeldTokens held = new HeldTokens();
    /** The context, then those that are held. */
    private int[] window = new int[0];
    private int context;
    private String contextText = "";

    WindowStreamDecoder(Tokenizer tokenizer, boolean skipSpecial) {
        this.tokenizer = tokenizer;
        this.skipSpecial = skipSpecial;
    }

    @Override
    public Optional<TextDelta> push(int id) {
        held.add(id);
        if (tokenizer.has(id) && !(skipSpecial && tokenizer.isSpecial(id))) {
            window = Arrays.copyOf(window, window.length + 1);
            window[window.length - 1] = id;
        }
        String text = tokenizer.decodeNatively(window, skipSpecial);
        boolean whole = !text.endsWith("\uFFFD") && text.startsWith(contextText);
        return whole || held.full() ? take(text) : Optional.empty();
    }

    @Override
    public Optional<TextDelta> finish() {
        return take(tokenizer.decodeNatively(window, skipSpecial));
    }

    private Optional<TextDelta> take(String text) {
        held.text.append(text, Math.min(contextText.length(), text.length()), text.length());
        int keep = Math.min(window.length, Math.max(CONTEXT, window.length - context));
        window = Arrays.copyOfRange(window, window.length - keep, window.length);
        context = window.length;
        contextText = tokenizer.decodeNatively(window, skipSpecial);
        return held.take();
    }
}
