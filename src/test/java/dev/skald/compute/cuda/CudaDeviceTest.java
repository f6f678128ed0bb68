package dev.skald.compute.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.skald.compute.BatchLimits;
import dev.skald.compute.InsufficientMemoryException;
import dev.skald.compute.KvGroup;
import dev.skald.compute.MemoryRequest;
import dev.skald.compute.WeightRole;
import dev.skald.tensor.DType;
import dev.skald.tensor.Shape;
import dev.skald.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is asked of a card before anything runs, and what is said when it can't be had. */
class CudaDeviceTest {
    private static final KvGroup GROUP = new KvGroup(2, 2, 8, 16, DType.F16);

    @BeforeEach
    void needsTheDevice() {
        SimCuda.use();
    }

    private static String refused(CudaSettings settings) {
        return assertThrows(CudaUnavailableException.class, () -> CudaDevice.open(settings)).getMessage();
    }

    @Test
    void whatIsMissingIsSaidInOneSentence(@TempDir Path folder) throws IOException {
        assertEquals("there is no GPU number 3; the driver has 1", refused(new CudaSettings(3, false, SimCuda.kernels())));
        assertEquals("no kernels lie in " + folder, refused(new CudaSettings(0, false, folder)));
        Path image = Files.writeString(folder.resolve("x.ptx"), ".version 7.8");
        assertEquals(
                "the driver does not take the kernels in " + image + ": cuModuleLoadData failed with CUDA_ERROR_INVALID_IMAGE (200)",
                refused(new CudaSettings(0, false, folder)));
        assertTrue(refused(new CudaSettings(0, false, folder.resolve("none"))).startsWith("no kernels can be read from "));
    }

    @Test
    void itSaysWhatItIsAndWhoMultiplies() {
        try (CudaTestDevice test = new CudaTestDevice(false); CudaTestDevice invariant = new CudaTestDevice(true)) {
            assertEquals("cuda", test.device().info().backend());
            assertEquals("sm_90", test.device().info().isa());
            assertEquals("sm_90 batch-invariant", invariant.device().info().isa());
            assertTrue(test.device().info().why().endsWith("cuBLAS for large products, own kernels for the rest"), test.device().info().why());
            assertTrue(test.device().info().why().startsWith("2,048 MiB of memory, compute capability 9.0"), test.device().info().why());
        }
    }

    @Test
    void memoryIsPlannedFromWhatTheCardHasFree() {
        try (CudaTestDevice test = new CudaTestDevice(false)) {
            long free = test.device().plan(request(1 << 20)).freeBytes();
            assertTrue(free > 1500L << 20 && free < 2048L << 20, free + " bytes");
            assertThrows(InsufficientMemoryException.class, () -> test.device().plan(request(3L << 30)));
            String message = assertThrows(
                    InsufficientMemoryException.class, () -> test.device().kvCache(List.of(GROUP), 1 << 20)).getMessage();
            assertTrue(message.startsWith("the GPU has no 2048 MiB left for the KV cache"), message);
        }
    }

    private static MemoryRequest request(long weights) {
        return new MemoryRequest(weights, 1 << 20, List.of(GROUP), 64, 4, OptionalLong.empty());
    }

    @Test
    void allItTookIsGivenBack() {
        long before = SimCuda.counters().liveBytes();
        for (int i = 0; i < 3; i++) {
            try (CudaTestDevice test = new CudaTestDevice(false)) {
                CudaDevice device = test.device();
                device.pack(WeightRole.LINEAR, List.of(new Tensor("w", DType.F32, Shape.of(2, 3), MemorySegment.ofArray(new float[6]))));
                BatchLimits limits = new BatchLimits(8, 2, 8, 4, 1);
                device.output(limits);
                device.start(limits, device.kvCache(List.of(GROUP), 8), 50);
                assertThrows(
                        IllegalStateException.class,
                        () -> device.pack(WeightRole.VECTOR, List.of(new Tensor("v", DType.F32, Shape.of(1), MemorySegment.ofArray(new float[1])))));
                assertTrue(SimCuda.counters().liveBytes() > before);
            }
            assertEquals(before, SimCuda.counters().liveBytes());
        }
    }

    @Test
    void typesWithoutKernelsAreRefused() {
        try (CudaTestDevice test = new CudaTestDevice(false)) {
            Tensor integers = new Tensor("w", DType.I32, Shape.of(1, 32), MemorySegment.ofArray(new int[32]));
            for (WeightRole role : List.of(WeightRole.LINEAR, WeightRole.EMBEDDING)) {
                String message = assertThrows(IllegalArgumentException.class, () -> test.device().pack(role, List.of(integers))).getMessage();
                assertEquals("the CUDA kernels have no elements of I32", message);
            }
        }
    }
}
