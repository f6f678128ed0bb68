package dev.skald.compute.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Which kernels a device takes, and what it says where it can't have those that were asked for. What they compute is tested with every device. */
@Timeout(60)
class NativeKernelsTest {
    @TempDir
    private Path folder;

    private static CpuOptions options(CpuOptions.Choice kernels, Optional<String> isa, Path library) {
        return new CpuOptions(OptionalInt.of(1), kernels, isa, Optional.of(library));
    }

    private static String refused(CpuOptions options) {
        return assertThrows(IllegalStateException.class, () -> CpuDevice.open(options).close()).getMessage();
    }

    @Test
    void withoutALibraryAutoTakesTheKernelsInJavaAndSaysWhy() {
        try (CpuDevice device = CpuDevice.open(options(CpuOptions.Choice.AUTO, Optional.empty(), folder))) {
            assertTrue(device.info().isa().startsWith("java-vector-"), device.info().isa());
            String why = device.info().why();
            assertTrue(why.contains("native ones can't be had: there is no " + folder) && why.contains("C compiler"), why);
        }
    }

    @Test
    void withoutALibraryNativeKernelsAreRefused() {
        String message = refused(options(CpuOptions.Choice.NATIVE, Optional.empty(), folder));
        assertTrue(message.startsWith("there is no " + folder), message);
        assertTrue(refused(options(CpuOptions.Choice.AUTO, Optional.of("avx2"), folder)).startsWith("there is no "));
    }

    @Test
    void aFileThatIsNoLibraryIsRefused() throws IOException {
        Files.writeString(folder.resolve(NativeLibrary.fileName()), "no library");
        assertTrue(refused(options(CpuOptions.Choice.NATIVE, Optional.empty(), folder)).contains("is damaged or for another system"));
    }

    @Test
    void aLibraryOfAnotherVersionOrOriginIsRefused() throws Exception {
        assumeTrue(Files.exists(Path.of("/usr/bin/cc")), "skipped: no C compiler at /usr/bin/cc");
        compile("void skald_about(long long *a) { a[0] = 999; a[1] = a[2] = 0; }");
        String message = refused(options(CpuOptions.Choice.NATIVE, Optional.empty(), folder));
        assertTrue(message.contains("has version 999 of its interface") && message.contains("build it again"), message);
    }

    @Test
    void aLibraryThatIsNotOursIsRefused() throws Exception {
        assumeTrue(Files.exists(Path.of("/usr/bin/cc")), "skipped: no C compiler at /usr/bin/cc");
        compile("int other;");
        assertTrue(refused(options(CpuOptions.Choice.NATIVE, Optional.empty(), folder)).contains("it has no skald_about"));
    }

    @Test
    void aProcessorWithNoneOfTheInstructionSetsIsTold() throws Exception {
        assumeTrue(Files.exists(Path.of("/usr/bin/cc")), "skipped: no C compiler at /usr/bin/cc");
        compile("void skald_about(long long *a) { a[0] = " + NativeLibrary.ABI_VERSION + "; a[1] = (long long) \"sse9,mmx\"; a[2] = (long long) \"\"; }");
        String message = refused(options(CpuOptions.Choice.NATIVE, Optional.empty(), folder));
        assertTrue(message.contains("has none of the instruction sets") && message.endsWith("sse9, mmx"), message);
    }

    private void compile(String source) throws IOException, InterruptedException {
        Path file = Files.writeString(folder.resolve("other.c"), source);
        String out = folder.resolve(NativeLibrary.fileName()).toString();
        assertEquals(0, new ProcessBuilder("/usr/bin/cc", "-shared", "-fPIC", "-o", out, file.toString()).inheritIO().start().waitFor());
    }

    @Test
    void theBestInstructionSetIsTakenUnlessALowerOneIsAsked() {
        NativeBuildTest.assumeBuilt();
        List<String> isas = CpuTestDevice.nativeIsas();
        assumeTrue(!isas.isEmpty(), "skipped: this processor has none of the instruction sets of native kernels");
        try (CpuDevice device = CpuDevice.open(options(CpuOptions.Choice.AUTO, Optional.empty(), CpuTestDevice.nativeFolder()))) {
            assertEquals(isas.getFirst(), device.info().isa());
            assertTrue(device.info().why().startsWith("native kernels"), device.info().why());
        }
        for (String isa : isas) {
            try (CpuDevice device = CpuDevice.open(options(CpuOptions.Choice.AUTO, Optional.of(isa), CpuTestDevice.nativeFolder()))) {
                assertEquals(isa, device.info().isa());
            }
        }
        String message = refused(options(CpuOptions.Choice.AUTO, Optional.of("6502"), CpuTestDevice.nativeFolder()));
        assertEquals("--isa 6502: this machine and build have " + String.join(", ", isas), message);
    }

    @Test
    void anInstructionSetIsNoChoiceForKernelsInJava() {
        assertTrue(refused(options(CpuOptions.Choice.JAVA, Optional.of("avx2"), folder)).contains("--isa avx2 chooses among native kernels"));
    }
}
