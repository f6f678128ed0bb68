package dev.skald.compute.cuda;

/**
 * Sizes for which steps are recorded. A step takes the smallest that holds it, and its kernels leave at once where the batch has no row. Close
 * together where few rows are in a step, since own kernels are made for tiles of 8 rows up to 64; farther apart beyond, where cuBLAS computes
 * padded rows too: at most a third more of them, usually a tenth.
 */
final class Buckets {
    /** Beyond so many tokens a step takes so long that launching it is no matter. */
    static final int MOST = 512;

    private final int[] sizes;

    private Buckets(int[] sizes) {
        this.sizes = sizes;
    }

    /** @param limit rows of a step at most */
    static Buckets upTo(int limit) {
        int last = Math.min(limit, MOST);
        int[] sizes = new int[MOST];
        int count = 0;
        for (int size = 1; size < last; size = next(size)) sizes[count++] = size;
        sizes[count++] = last;
        return new Buckets(java.util.Arrays.copyOf(sizes, count));
    }

    private static int next(int size) {
        if (size < 8) return 2 * size;
        if (size < 32) return size + 8;
        if (size < 64) return size + 16;
        return size < 256 ? size + 32 : size + 64;
    }

    int count() {
        return sizes.length;
    }

    int size(int index) {
        return sizes[index];
    }

    /** Of the smallest that holds so many rows; {@link #count} if none does. */
    int index(int rows) {
        int index = 0;
        while (index < sizes.length && sizes[index] < rows) index++;
        return index;
    }

    /** For how many rows grids are made when there are so many: with and without graphs alike, since cuBLAS adds in an order that depends on it. */
    int capacity(int rows) {
        if (rows == 0) return 0;
        int index = index(rows);
        return index == sizes.length ? rows : sizes[index];
    }
}
