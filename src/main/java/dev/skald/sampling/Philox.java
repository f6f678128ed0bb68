package dev.skald.sampling;

/**
 * Philox4x32-10, a counter-based random function (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011): the same key and
 * counter give the same number on every device, in any order, with no state to carry. Static and pure; any thread.
 */
public final class Philox {
    /** Counter word 2 of the numbers that draw a token. Other uses of the same seed take another purpose. */
    public static final int PURPOSE_SAMPLE = 0;

    private static final int ROUNDS = 10;
    private static final long MULTIPLIER_0 = 0xD2511F53L;
    private static final long MULTIPLIER_1 = 0xCD9E8D57L;
    private static final int WEYL_0 = 0x9E3779B9;
    private static final int WEYL_1 = 0xBB67AE85;
    private static final long WORD = 0xFFFFFFFFL;

    private Philox() {}

    /**
     * 64 random bits: word 0 of the block above word 1.
     *
     * @param seed     key: its low half is key word 0, its high half key word 1
     * @param choice   counter word 1
     * @param position counter word 0: absolute position, in its sequence, of the token that is drawn
     * @param purpose  counter word 2; word 3 is 0
     */
    public static long bits(long seed, int choice, int position, int purpose) {
        return block(position | (long) choice << 32, purpose & WORD, seed, true);
    }

    /**
     * One block of four words.
     *
     * @param low   counter words 0 (low half) and 1
     * @param high  counter words 2 (low half) and 3
     * @param key   key words 0 (low half) and 1
     * @param first whether words 0 and 1 are wanted, else 2 and 3
     * @return the wanted two, the lower-numbered one in the high half
     */
    static long block(long low, long high, long key, boolean first) {
        int c0 = (int) low;
        int c1 = (int) (low >>> 32);
        int c2 = (int) high;
        int c3 = (int) (high >>> 32);
        int k0 = (int) key;
        int k1 = (int) (key >>> 32);
        for (int round = 0; round < ROUNDS; round++) {
            long p0 = MULTIPLIER_0 * (c0 & WORD);
            long p1 = MULTIPLIER_1 * (c2 & WORD);
            int n0 = (int) (p1 >>> 32) ^ c1 ^ k0;
            int n2 = (int) (p0 >>> 32) ^ c3 ^ k1;
            c0 = n0;
            c1 = (int) p1;
            c2 = n2;
            c3 = (int) p0;
            k0 += WEYL_0;
            k1 += WEYL_1;
        }
        return first ? (c0 & WORD) << 32 | c1 & WORD : (c2 & WORD) << 32 | c3 & WORD;
    }
}
