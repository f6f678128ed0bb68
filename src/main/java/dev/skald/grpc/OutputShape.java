package dev.skald.grpc;

import dev.skald.api.v1.Output;

/** Which parts of an answer the client wants sent. */
record OutputShape(boolean text, boolean ids) {
    static OutputShape of(Output output) {
        return new OutputShape(!output.hasText() || output.getText(), !output.hasTokenIds() || output.getTokenIds());
    }
}
