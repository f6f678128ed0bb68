package dev.skald;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What the distribution's JVM flags must not lose. */
class JvmFlagsTest {
    @Test
    void theStartUpCacheCarriesNoProfiles() throws IOException {
        List<String> flags = Files.readAllLines(Path.of("src/main/dist/jvm.args"));
        // replayed profiles made half of all processes compile the vector kernels with an object for each vector: see src/docs/notes.md
        assertTrue(flags.containsAll(List.of("-XX:-AOTRecordTraining", "-XX:-AOTReplayTraining")), flags.toString());
        assertTrue(flags.indexOf("-XX:+UnlockDiagnosticVMOptions") < flags.indexOf("-XX:-AOTRecordTraining"), "the unlocking comes first");
    }

    @Test
    void modulesAreLeftToTheLauncher() throws IOException {
        // the Vector module costs a third of a second of each start: the launcher adds it where kernels in Java will run
        assertTrue(Files.readAllLines(Path.of("src/main/dist/jvm.args")).stream().noneMatch(flag -> flag.startsWith("--add-modules")));
    }

    @Test
    void kernelsAreCompiledEachByItself() throws IOException {
        // inlined into the method that chooses between them, some of their vectors stay objects in one process of eight: see src/docs/notes.md
        assertTrue(Files.readAllLines(Path.of("src/main/dist/jvm.args"))
                .contains("-XX:CompileCommand=dontinline,dev.skald.compute.cpu.Linear*::row*"));
    }
}
