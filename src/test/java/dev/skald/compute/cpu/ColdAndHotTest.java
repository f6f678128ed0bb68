package dev.skald.compute.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import jdk.incubator.vector.FloatVector;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The kernels in JVMs of their own: at each width of vectors that this machine has, from the first call until they are compiled. */
class ColdAndHotTest {
    private static final int CALLS = 400;
    /** Checksum of the products by width: filled by whichever test runs first. */
    private static final Map<String, String> PRODUCTS = new ConcurrentHashMap<>();

    @ParameterizedTest
    @ValueSource(ints = {128, 256, 512})
    @Timeout(120)
    void aCompiledKernelGivesWhatTheInterpretedOneGaveAndProductsAreTheSameAtAnyWidth(int bits) throws IOException, InterruptedException {
        int preferred = FloatVector.SPECIES_PREFERRED.vectorBitSize();
        assumeTrue(bits <= preferred, "this machine's vectors have " + preferred + " bits, not " + bits);
        String[] words = probe(bits).split(" ");
        assertEquals(3, words.length, String.join(" ", words));
        assertEquals(String.valueOf(bits), words[0]);
        String other = PRODUCTS.putIfAbsent("products", words[1]);
        if (other != null) assertEquals(other, words[1], "products at " + bits + " bits differ from those at another width");
    }

    /** Low thresholds, so that the compiler is through well before the last call. */
    private static String probe(int bits) throws IOException, InterruptedException {
        List<String> flags = List.of(
                "-XX:Tier4InvocationThreshold=100",
                "-XX:Tier4MinInvocationThreshold=50",
                "-XX:Tier4CompileThreshold=200",
                "-XX:Tier4BackEdgeThreshold=2000",
                "-D" + Lanes.WIDTH_PROPERTY + "=" + bits);
        return OwnJvm.run(flags, KernelProbe.class, String.valueOf(CALLS));
    }
}
