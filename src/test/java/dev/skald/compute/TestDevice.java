package dev.skald.compute;

import dev.skald.tensor.Buffer;

/** A device under test, with the access to its memory that nobody but a test needs. */
public interface TestDevice extends AutoCloseable {
    Device device();

    /** Writes a row. @param values [buffer.cols] */
    void write(Buffer buffer, int row, float... values);

    /** A row's values, [buffer.cols]. */
    float[] read(Buffer buffer, int row);

    /** The stored keys of one token, widened to f32, [kvHeads·headDim], head by head. */
    float[] keys(KvCache cache, int layer, int block, int tokenInBlock);

    /** The stored values of one token, widened to f32, [kvHeads·headDim], head by head. */
    float[] values(KvCache cache, int layer, int block, int tokenInBlock);

    @Override
    default void close() {
        device().close();
    }
}
