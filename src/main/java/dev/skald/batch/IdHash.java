package dev.skald.batch;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/** 128 bits of SHA-256 that stand for a custom_id: a million ids are 16 MB so, whatever their length. */
record IdHash(long high, long low) {
    static IdHash of(String customId) {
        ByteBuffer digest = ByteBuffer.wrap(sha256().digest(customId.getBytes(StandardCharsets.UTF_8)));
        return new IdHash(digest.getLong(), digest.getLong());
    }

    static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e); // every JDK has it
        }
    }

    /** Where a table begins to look. */
    int bucket(int mask) {
        return (int) (low ^ low >>> 32) & mask;
    }

    String hex24() {
        return String.format("%016x%08x", high, low >>> 32);
    }
}
