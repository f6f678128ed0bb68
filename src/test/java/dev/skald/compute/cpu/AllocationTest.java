package dev.skald.compute.cpu;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Once the compiler is through, a decode step allocates nothing, on any of the threads: under the flags that the distribution runs with. */
class AllocationTest {
    @Test
    @Timeout(150)
    void aDecodeStepAllocatesNothing() throws IOException, InterruptedException {
        String said = OwnJvm.run(List.of("@src/main/dist/jvm.args"), AllocationProbe.class);
        assertTrue(said.startsWith("0 bytes"), said);
    }
}
