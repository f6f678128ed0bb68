package dev.skald.kv;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class BlockPoolTest {
    @Test
    void everyBlockIsGivenOutOnceAndThenNone() {
        BlockPool pool = new BlockPool(3);
        assertEquals(List.of(0, 1, 2), List.of(pool.allocate(), pool.allocate(), pool.allocate()));
        assertEquals(0, pool.available());
        assertThrows(IllegalStateException.class, pool::allocate);
        pool.release(1);
        assertEquals(1, pool.allocate());
    }

    @Test
    void aBlockIsFreeOnlyAfterItsLastReference() {
        BlockPool pool = new BlockPool(1);
        int block = pool.allocate();
        pool.retain(block);
        pool.release(block);
        assertEquals(1, pool.used());
        pool.release(block);
        assertEquals(0, pool.used());
        assertThrows(IllegalStateException.class, () -> pool.release(block));
        assertThrows(IllegalStateException.class, () -> pool.retain(block));
    }

    @Test
    void anyOrderOfOperationsKeepsTheCount() {
        long seed = 20260301;
        Random random = new Random(seed);
        BlockPool pool = new BlockPool(37);
        PrefixIndex index = new PrefixIndex(pool, 2);
        PrefixIndex.Root root = index.root("");
        List<Integer> held = new ArrayList<>();
        for (int i = 0; i < 20_000; i++) {
            switch (random.nextInt(5)) {
                case 0, 1 -> {
                    if (pool.available() > 0) held.add(pool.allocate());
                }
                case 2 -> {
                    if (!held.isEmpty()) pool.release(held.remove(random.nextInt(held.size())));
                }
                case 3 -> {
                    if (!held.isEmpty()) {
                        int block = held.get(random.nextInt(held.size()));
                        if (!index.contains(block)) index.insert(root, root.identity(), block, new int[] {random.nextInt(9), random.nextInt(9)}, 0);
                    }
                }
                default -> {
                    int[] found = new int[1];
                    if (index.match(root, new int[] {random.nextInt(9), random.nextInt(9)}, 2, found) == 1) {
                        pool.retain(found[0]);
                        held.add(found[0]);
                    }
                }
            }
            pool.verify();
            assertEquals(held.stream().distinct().count(), pool.used(), "seed " + seed + ", operation " + i);
        }
    }
}
