package dev.skald.compute;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.skald.tensor.DType;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

class HostMemoryTest {
    private static final long MEBI = 1 << 20;
    /** 16 tokens × 2 × 8 layers × 2 heads × 64 × 2 bytes. */
    private static final KvGroup GROUP = new KvGroup(8, 2, 64, 16, DType.F16);
    private static final long BLOCK = 65_536;

    private static MemoryPlan plan(long free, int sequences, OptionalLong asked) {
        return HostMemory.plan(free, new MemoryRequest(100 * MEBI, 10 * MEBI, List.of(GROUP), 1000, sequences, asked));
    }

    @Test
    void theCacheIsWhatAllSequencesNeedIfThereIsRoom() {
        assertEquals(BLOCK, GROUP.bytesPerBlock());
        MemoryPlan plan = plan(1000 * MEBI, 4, OptionalLong.empty());
        assertEquals(4 * 63, plan.kvBlocks());
        assertEquals(4 * 63 * BLOCK, plan.kvBytes());
    }

    @Test
    void otherwiseHalfOfWhatIsLeft() {
        assertEquals(445 * MEBI / BLOCK, plan(1000 * MEBI, 10_000, OptionalLong.empty()).kvBlocks());
    }

    @Test
    void whatWasAskedForIsRoundedDownToBlocks() {
        assertEquals(100, plan(1000 * MEBI, 4, OptionalLong.of(101 * BLOCK - 1)).kvBlocks());
    }

    @Test
    void whatDoesNotFitIsRefusedWithNumbersAndARemedy() {
        assertMessage(() -> plan(110 * MEBI, 1, OptionalLong.empty()), "the weights take 100 MiB", "110 MiB free");
        assertMessage(() -> plan(115 * MEBI, 1, OptionalLong.empty()), "one sequence of 1000 tokens", "take 4 MiB", "--max-model-len");
        assertMessage(() -> plan(1000 * MEBI, 1, OptionalLong.of(62 * BLOCK)), "one sequence of 1000 tokens", "--kv-cache-memory-bytes");
        assertMessage(() -> plan(200 * MEBI, 1, OptionalLong.of(91 * MEBI)), "a KV cache of 91 MiB", "at most " + 90 * MEBI);
    }

    @Test
    void thisMachineHasSomeMemoryFreeAndNoMoreThanItHas() {
        long free = HostMemory.freeBytes();
        long total = java.lang.management.ManagementFactory.getPlatformMXBean(com.sun.management.OperatingSystemMXBean.class)
                .getTotalMemorySize();
        assertTrue(free > 64 * MEBI && free <= total, free + " of " + total);
    }

    private static void assertMessage(org.junit.jupiter.api.function.Executable action, String... parts) {
        InsufficientMemoryException e = assertThrows(InsufficientMemoryException.class, action);
        for (String part : parts) assertTrue(e.getMessage().contains(part), e.getMessage() + " lacks: " + part);
    }
}
