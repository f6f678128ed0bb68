package dev.skald.compute.cpu;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Once the compiler is through, a decode step allocates nothing, on any of the threads: under the flags that the distribution runs with. */
class AllocationTest {
    @ParameterizedTest
    @EnumSource(value = CpuOptions.Choice.class, names = {"JAVA", "NATIVE"})
    @Timeout(150)
    void aDecodeStepAllocatesNothing(CpuOptions.Choice kernels) throws IOException, InterruptedException {
        if (kernels == CpuOptions.Choice.NATIVE) NativeBuildTest.assumeBuilt();
        String said = OwnJvm.run(List.of("@src/main/dist/jvm.args"), AllocationProbe.class, kernels.name());
        assertTrue(said.startsWith("0 bytes"), said);
    }
}
