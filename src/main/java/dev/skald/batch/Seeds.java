package dev.skald.batch;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;

/** A line's seed, from the job's and its custom_id: the same in every run, whatever ran before it. */
final class Seeds {
    /** Seeds fit a double exactly, so that no JSON rounds them. */
    private static final int BITS = 53;

    private Seeds() {}

    static long of(long job, String customId) {
        MessageDigest digest = IdHash.sha256();
        digest.update(ByteBuffer.allocate(Long.BYTES).putLong(job).flip());
        return ByteBuffer.wrap(digest.digest(customId.getBytes(StandardCharsets.UTF_8))).getLong() >>> (Long.SIZE - BITS);
    }
}
