package dev.skald.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.skald.compute.cpu.CpuProbe;
import dev.skald.compute.cpu.CpuTestDevice;
import dev.skald.tensor.DType;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

/** The probes of the machine run and give what is possible; how fast the machine is, no test says. */
class MachineTest {
    private static final long MEBI = 1L << 20;

    @Test
    void read_bandwidth_is_a_positive_rate() throws InterruptedException {
        double rate = ReadBandwidth.measure(2, 8 * MEBI, Optional.empty());
        assertTrue(rate > 0 && Double.isFinite(rate), () -> "rate " + rate);
        assertThrows(IllegalArgumentException.class, () -> ReadBandwidth.measure(2, 1000, Optional.empty()));
    }

    @Test
    void the_fma_peak_is_a_positive_rate_where_the_vector_api_is() throws InterruptedException {
        assumeTrue(ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent(), "this JVM runs without jdk.incubator.vector");
        assertTrue(FmaPeak.measure(1).orElseThrow() > 0);
    }

    @Test
    void the_peak_of_native_kernels_is_a_positive_rate_for_each_kind_of_weights() throws InterruptedException {
        Path folder = Path.of(System.getProperty("skald.home", "target/skald"), "native");
        assumeTrue(Files.exists(folder.resolve(System.mapLibraryName("skald"))), "skipped: this build made no native kernels");
        for (String isa : CpuTestDevice.nativeIsas()) {
            CpuProbe probe = new CpuProbe(folder, isa);
            for (DType type : new DType[] {DType.F32, DType.F16, DType.BF16, DType.Q4_0}) {
                assertTrue(probe.multiplyAdds(type, 1000) >= 12_000L * 4, isa + " " + type);
                assertTrue(NativePeak.measure(probe, type, 1) > 0, isa + " " + type);
            }
            assertTrue(ReadBandwidth.measure(2, 8 * MEBI, Optional.of(probe)) > 0, isa);
        }
    }

    @Test
    void what_a_probe_takes_does_not_count_as_peak_memory() {
        assumeTrue(Files.isReadable(Path.of("/proc/self/status")), "no /proc/self/status on this system");
        new PeakMemory().forget(); // what other tests took in this JVM
        PeakMemory memory = new PeakMemory();
        long before = memory.read().orElseThrow();
        assertTrue(before > 8 * MEBI, () -> "a JVM in " + before + " bytes");
        long probe = before + 64 * MEBI - residentNow();
        try (Arena arena = Arena.ofConfined()) {
            arena.allocate(probe, 64).fill((byte) 1);
        }
        memory.forget();
        OptionalLong after = memory.read();
        assertTrue(after.isPresent());
        assertTrue(after.getAsLong() < before + 32 * MEBI, () -> "before " + before + ", after " + after);
    }

    @Test
    void what_is_done_between_probes_counts() {
        assumeTrue(Files.isReadable(Path.of("/proc/self/status")), "no /proc/self/status on this system");
        new PeakMemory().forget();
        PeakMemory memory = new PeakMemory();
        long before = memory.read().orElseThrow();
        try (Arena arena = Arena.ofConfined()) {
            arena.allocate(before + 64 * MEBI - residentNow(), 64).fill((byte) 1);
            assertTrue(memory.read().orElseThrow() >= before + 32 * MEBI);
        }
        assertFalse(memory.read().isEmpty());
        assertEquals(memory.read(), memory.read());
    }

    private static long residentNow() {
        try {
            return Files.readAllLines(Path.of("/proc/self/status")).stream()
                    .filter(line -> line.startsWith("VmRSS:"))
                    .mapToLong(line -> 1024 * Long.parseLong(line.replaceAll("\\D", "")))
                    .findFirst().orElseThrow();
        } catch (java.io.IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }
}
