package dev.skald.text;

import java.util.Optional;

/** For decoders whose text is the bytes of its tokens, one after the other. */
final class ByteStreamDecoder implements StreamDecoder {
    private final Tokenizer tokenizer;
    private final TokenBytes rule;
    private final boolean skipSpecial;
    private final Utf8Assembler utf8;
    private final HeldTokens held = new HeldTokens();
    private boolean first;
    /** Leading characters that may still be stripped. */
    private int leading;

    ByteStreamDecoder(Tokenizer tokenizer, TokenBytes rule, boolean skipSpecial, boolean continuing) {
        this.tokenizer = tokenizer;
        this.rule = rule;
        this.skipSpecial = skipSpecial;
        this.utf8 = new Utf8Assembler(rule.replacement());
        this.first = !continuing;
        this.leading = continuing || rule.leadingMax() == Integer.MAX_VALUE ? 0 : rule.leadingMax();
    }

    @Override
    public Optional<TextDelta> push(int id) {
        if (!(skipSpecial && tokenizer.isSpecial(id)) && tokenizer.has(id)) append(tokenizer.piece(id));
        held.add(id);
        return utf8.pending() && !held.full() ? Optional.empty() : held.take();
    }

    private void append(String piece) {
        byte[] bytes = first ? rule.firstBytes(piece) : rule.bytes(piece);
        first = false;
        for (byte b : bytes) {
            if (leading > 0) {
                if (b == rule.leading()) {
                    leading--;
                    continue;
                }
                leading = 0;
            }
            utf8.push(b, held.text);
        }
    }

    @Override
    public Optional<TextDelta> finish() {
        utf8.flush(held.text);
        return held.take();
    }
}
