package dev.skald.compute.reference;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.skald.compute.KvCache;
import dev.skald.compute.KvGroup;
import dev.skald.tensor.DType;
import java.util.List;
import org.junit.jupiter.api.Test;

class ReferenceDeviceTest {
    @Test
    void thePoolStartsAsNanSoThatNobodyReadsWhatWasNotWritten() {
        for (DType dtype : new DType[] {DType.F32, DType.F16, DType.BF16}) {
            try (ReferenceTestDevice test = new ReferenceTestDevice()) {
                KvCache cache = test.device().kvCache(List.of(new KvGroup(2, 1, 4, 16, dtype)), 3);
                assertEquals(3 * 16 * 2 * 2 * 4 * dtype.bytes(), cache.bytes());
                for (float key : test.keys(cache, 1, 2, 15)) assertTrue(Float.isNaN(key));
                for (float value : test.values(cache, 0, 0, 0)) assertTrue(Float.isNaN(value));
                assertThrows(IllegalArgumentException.class, () -> test.keys(cache, 0, 3, 0));
            }
        }
    }

    @Test
    void operationsBeforeStartOrUploadAreOurMistake() {
        try (ReferenceDevice device = new ReferenceDevice()) {
            assertThrows(IllegalStateException.class, () -> device.ops().copyBlocks());
            assertThrows(IllegalStateException.class, () -> device.upload(device.batch(new dev.skald.compute.BatchLimits(1, 1, 1, 1, 0))));
            assertThrows(IllegalArgumentException.class, () -> device.buffer(DType.F16, 1, 1));
        }
    }
}
