package dev.skald.compute;

import dev.skald.tensor.Buffer;

/** Reads and writes a device's buffers from the host, for checks of its operations; waits for all that was enqueued before. Belongs to the device's thread. */
public interface BufferAccess {
    /** Writes a row. @param values [buffer.cols] */
    void write(Buffer buffer, int row, float... values);

    /** @return the row's values, [buffer.cols] */
    float[] read(Buffer buffer, int row);
}
