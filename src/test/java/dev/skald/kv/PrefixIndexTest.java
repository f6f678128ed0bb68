package dev.skald.kv;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import org.junit.jupiter.api.Test;

class PrefixIndexTest {
    private static final int T = 4;
    private final BlockPool pool = new BlockPool(6);
    private final PrefixIndex index = new PrefixIndex(pool, T);

    private static int[] ids(int length, int start) {
        int[] ids = new int[length];
        Arrays.setAll(ids, i -> start + i);
        return ids;
    }

    /** Computes, indexes and releases all full blocks of a prompt, last block first, as a sequence's end does. */
    private int[] remember(String salt, int[] ids) {
        PrefixIndex.Root root = index.root(salt);
        int[] blocks = new int[ids.length / T];
        long after = root.identity();
        for (int i = 0; i < blocks.length; i++) {
            blocks[i] = pool.allocate();
            after = index.insert(root, after, blocks[i], ids, i * T);
        }
        for (int i = blocks.length - 1; i >= 0; i--) pool.release(blocks[i]);
        index.release(root);
        return blocks;
    }

    private int hits(String salt, int[] ids, int limit) {
        PrefixIndex.Root root = index.root(salt);
        int n = index.match(root, ids, limit, new int[8]);
        index.release(root);
        return n;
    }

    @Test
    void aPrefixIsFoundUpToTheFirstDifferentToken() {
        int[] prompt = ids(12, 100);
        int[] blocks = remember("", prompt);
        int[] found = new int[3];
        PrefixIndex.Root root = index.root("");
        assertEquals(3, index.match(root, prompt, 12, found));
        assertArrayEquals(blocks, found);
        assertEquals(2, hits("", prompt, 11));
        int[] other = prompt.clone();
        other[6] = 7;
        assertEquals(1, hits("", other, 12));
        other[0] = 7;
        assertEquals(0, hits("", other, 12));
    }

    @Test
    void theSameTokensElsewhereInAPromptAreAnotherPrefix() {
        remember("", ids(4, 100));
        int[] shifted = new int[8];
        System.arraycopy(ids(4, 50), 0, shifted, 0, 4);
        System.arraycopy(ids(4, 100), 0, shifted, 4, 4);
        assertEquals(0, hits("", shifted, 8));
    }

    @Test
    void saltsShareNothing() {
        remember("a", ids(8, 1));
        assertEquals(2, hits("a", ids(8, 1), 8));
        assertEquals(0, hits("b", ids(8, 1), 8));
        assertEquals(0, hits("", ids(8, 1), 8));
    }

    @Test
    void aFullPoolEvictsTheLongestUnusedFirstAndLeavesBeforeTheirRoots() {
        remember("", ids(12, 100));
        remember("", ids(12, 200));
        assertEquals(0, pool.idle() - 6);
        int[] used = {pool.allocate(), pool.allocate()};
        assertEquals(1, hits("", ids(12, 100), 12));
        assertEquals(3, hits("", ids(12, 200), 12));
        for (int b : used) pool.release(b);
        pool.verify();
    }

    @Test
    void aFoundBlockThatIsRetainedIsNotEvicted() {
        int[] blocks = remember("", ids(4, 1));
        pool.retain(blocks[0]);
        for (int i = 0; i < 5; i++) pool.allocate();
        assertEquals(0, pool.available());
        assertEquals(1, hits("", ids(4, 1), 4));
    }

    @Test
    void ofEqualBlocksTheFirstIsIndexedAndTheOtherChainGoesOnBehindIt() {
        PrefixIndex.Root root = index.root("");
        int[] ids = ids(8, 1);
        int a0 = pool.allocate();
        int b0 = pool.allocate();
        int b1 = pool.allocate();
        long afterA = index.insert(root, root.identity(), a0, ids, 0);
        long afterB = index.insert(root, root.identity(), b0, ids, 0);
        assertEquals(afterA, afterB);
        assertFalse(index.contains(b0));
        index.insert(root, afterB, b1, ids, 4);
        int[] found = new int[2];
        assertEquals(2, index.match(root, ids, 8, found));
        assertArrayEquals(new int[] {a0, b1}, found);
    }

    @Test
    void aSuccessorOfAnEvictedBlockIsNeverFoundBehindTheBlocksNextContent() {
        PrefixIndex.Root root = index.root("");
        int[] ids = ids(8, 1);
        int first = pool.allocate();
        int second = pool.allocate();
        long after = index.insert(root, root.identity(), first, ids, 0);
        index.insert(root, after, second, ids, 4);
        index.forget(first);
        pool.release(first);
        int again = pool.allocate();
        assertEquals(first, again);
        int[] other = ids(8, 1);
        other[0] = 77;
        index.insert(root, root.identity(), again, other, 0);
        assertEquals(1, hits("", other, 8));
        assertEquals(0, hits("", ids, 8));
    }

    @Test
    void aSharedBlockBehindAForgottenOneIsReachableAgainOnceItsChainIs() {
        PrefixIndex.Root root = index.root("");
        int[] ids = ids(8, 1);
        int first = pool.allocate();
        int second = pool.allocate();
        index.insert(root, index.insert(root, root.identity(), first, ids, 0), second, ids, 4);
        index.forget(first);
        assertEquals(0, hits("", ids, 8));
        index.insert(root, index.insert(root, root.identity(), first, ids, 0), second, ids, 4);
        assertEquals(2, hits("", ids, 8));
        assertEquals(2, index.size());
    }

    @Test
    void forgettingATailKeepsTheBeginning() {
        remember("s", ids(12, 1));
        index.forget("s", ids(12, 1), 12, 6);
        assertEquals(1, hits("s", ids(12, 1), 12));
        index.forget("unknown", ids(12, 1), 12, 0);
        pool.verify();
    }

    @Test
    void flushFreesAllThatNobodyUses() {
        int[] blocks = remember("", ids(12, 1));
        pool.retain(blocks[0]);
        index.flush();
        assertEquals(0, index.size());
        assertEquals(0, pool.idle());
        assertEquals(1, pool.used());
        pool.release(blocks[0]);
        assertEquals(6, pool.available());
        assertTrue(hits("", ids(12, 1), 12) == 0);
        pool.verify();
    }

    @Test
    void saltsAreForgottenWithTheirLastBlock() {
        for (int i = 0; i < 1000; i++) remember("salt " + i, ids(4, i));
        assertTrue(index.roots() <= 6, index.roots() + " salts");
    }
}
