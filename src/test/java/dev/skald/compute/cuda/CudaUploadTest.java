package dev.skald.compute.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.skald.compute.BatchLimits;
import dev.skald.compute.KvGroup;
import dev.skald.compute.WeightRole;
import dev.skald.tensor.DType;
import dev.skald.tensor.Shape;
import dev.skald.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Weights arrive as they are, however many pieces they make. */
class CudaUploadTest {
    private static final int COLS = 1024;

    @BeforeEach
    void needsTheDevice() {
        SimCuda.use();
    }

    private static Tensor random(String name, int rows, long seed, Arena arena) {
        MemorySegment data = arena.allocate((long) rows * COLS * Float.BYTES, Long.BYTES);
        Random random = new Random(seed);
        for (long i = 0; i < data.byteSize() / Long.BYTES; i++) data.setAtIndex(ValueLayout.JAVA_LONG, i, random.nextLong());
        return new Tensor(name, DType.F32, Shape.of(rows, COLS), data);
    }

    /** More than the ring holds, less than a piece, a piece and one row, and what shares none of their borders. */
    @Test
    void tensorsOfEverySizeArriveInOrder() {
        int ring = Math.toIntExact(PinnedRing.PIECES * PinnedRing.PIECE_BYTES / COLS / Float.BYTES);
        try (CudaTestDevice test = new CudaTestDevice(true); Arena arena = Arena.ofShared()) {
            List<Tensor> parts = List.of(
                    random("small", 3, 1, arena), random("large", ring + 1537, 2, arena), random("middle", 2049, 3, arena), random("last", 7, 4, arena));
            SimCuda.Counters before = SimCuda.counters();
            CudaWeight weight = (CudaWeight) test.device().pack(WeightRole.EMBEDDING, parts);
            BatchLimits limits = new BatchLimits(8, 2, 8, 4, 1);
            test.device().start(limits, test.device().kvCache(List.of(new KvGroup(1, 1, 8, 16, DType.F16)), 8), 50);
            long at = weight.address();
            for (Tensor part : parts) {
                MemorySegment back = arena.allocate(part.data().byteSize());
                test.device().read(at, back);
                assertEquals(-1, part.data().mismatch(back), part.name());
                at += back.byteSize();
            }
            assertEquals(weight.bytes(), at - weight.address());
            assertTrue(SimCuda.counters().since(before).bytesUp() >= weight.bytes());
        }
    }
}
