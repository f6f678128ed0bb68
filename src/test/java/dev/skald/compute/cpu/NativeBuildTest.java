package dev.skald.compute.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The build script of native kernels, and the kernels themselves where no JVM runs them: for aarch64 under an emulator, and as another
 * compiler makes them, checked by {@code native/test/check.c}.
 */
@Timeout(300)
class NativeBuildTest {
    private static final Path BUILD = Path.of("native/build.sh");
    private static final String ARM_COMPILER = "aarch64-linux-gnu-gcc";
    private static final String ARM_LIBRARIES = "/usr/aarch64-linux-gnu";

    @TempDir
    private Path folder;

    private record Ran(int exit, String output) {}

    private static Ran run(Map<String, String> env, Object... command) throws IOException, InterruptedException {
        ProcessBuilder builder = new ProcessBuilder(Arrays.stream(command).map(Object::toString).toList()).redirectErrorStream(true);
        builder.environment().putAll(env);
        Process process = builder.start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertTrue(process.waitFor(10, TimeUnit.SECONDS));
        return new Ran(process.exitValue(), output);
    }

    /** @param prefixes of a program's name, which may go on with its version */
    private static Optional<String> program(String... prefixes) throws IOException {
        for (String prefix : prefixes) {
            for (String place : System.getenv().getOrDefault("PATH", "").split(File.pathSeparator)) {
                if (!Files.isDirectory(Path.of(place))) continue;
                try (var files = Files.newDirectoryStream(Path.of(place), prefix + "*")) {
                    for (Path file : files) if (file.getFileName().toString().matches(prefix + "(-[0-9]+)?")) return Optional.of(file.toString());
                }
            }
        }
        return Optional.empty();
    }

    @Test
    void withoutACompilerTheBuildSaysSoAndGoesOn() throws Exception {
        Path library = Files.writeString(folder.resolve(NativeLibrary.fileName()), "an old one");
        Ran ran = run(Map.of("CC", folder.resolve("no-compiler").toString(), "SKALD_OBJECTS", folder.resolve("o").toString()), "sh", BUILD, folder);
        assertEquals(0, ran.exit(), ran.output());
        assertEquals(1, ran.output().lines().count(), ran.output());
        assertTrue(ran.output().contains("no C compiler") && ran.output().contains("compute in Java"), ran.output());
        assertFalse(Files.exists(library), "a library of an earlier build would be taken for this one's");
    }

    @Test
    void kernelsCanBeLeftOut() throws Exception {
        Ran ran = run(Map.of("SKALD_NATIVE", "false"), "sh", BUILD, folder);
        assertEquals(0, ran.exit(), ran.output());
        assertTrue(ran.output().contains("left out, as asked"), ran.output());
    }

    @Test
    void aKernelThatDoesNotCompileFailsTheBuild() throws Exception {
        Path broken = folder.resolve("cc");
        Files.writeString(broken, "#!/bin/sh\ncase \"$*\" in *probe.c*|*-dump*) exit 0 ;; esac\necho no such instruction >&2\nexit 1\n");
        assertTrue(broken.toFile().setExecutable(true));
        Ran ran = run(Map.of("CC", broken.toString(), "SKALD_OBJECTS", folder.resolve("o").toString()), "sh", BUILD, folder.resolve("lib"));
        assertEquals(1, ran.exit(), ran.output());
        assertTrue(ran.output().contains("no such instruction") && ran.output().contains("-Dskald.native=false"), ran.output());
    }

    @Test
    void aSecondBuildDoesNothing() throws Exception {
        assumeBuilt();
        Path library = CpuTestDevice.nativeFolder().resolve(NativeLibrary.fileName());
        var made = Files.getLastModifiedTime(library);
        Ran ran = run(Map.of(), "sh", BUILD, CpuTestDevice.nativeFolder());
        assertEquals(new Ran(0, ""), ran);
        assertEquals(made, Files.getLastModifiedTime(library));
    }

    static void assumeBuilt() {
        assumeTrue(Files.exists(CpuTestDevice.nativeFolder().resolve(NativeLibrary.fileName())), "skipped: this build made no native kernels");
    }

    private Path library(String compiler, Map<String, String> target) throws Exception {
        Path lib = folder.resolve("lib");
        Map<String, String> env = new java.util.HashMap<>(target);
        env.put("CC", compiler);
        env.put("SKALD_OBJECTS", folder.resolve("o").toString());
        Ran built = run(env, "sh", BUILD, lib);
        assertEquals(new Ran(0, ""), built);
        return lib.resolve(NativeLibrary.fileName());
    }

    private Path checker(String compiler) throws Exception {
        Path check = folder.resolve("check");
        Ran made = run(Map.of(), compiler, "-O1", "-Inative/include", "native/test/check.c", "-o", check, "-ldl", "-lm");
        assertEquals(new Ran(0, ""), made);
        return check;
    }

    @Test
    void aarch64KernelsGiveTheFormulasResultsUnderAnEmulator() throws Exception {
        Optional<String> compiler = program(ARM_COMPILER);
        Optional<String> emulator = program("qemu-aarch64-static", "qemu-aarch64");
        assumeTrue(compiler.isPresent() && emulator.isPresent(),
                "skipped: aarch64 kernels are tested where " + ARM_COMPILER + " and qemu-aarch64 (qemu-user-static) are installed");
        Path lib = library(compiler.get(), Map.of("SKALD_TARGET", "aarch64"));
        Path check = checker(compiler.get());
        List<Object> command = new ArrayList<>(List.of(emulator.get(), "-L", ARM_LIBRARIES, "-cpu", "max", check, lib));
        Ran ran = run(Map.of(), command.toArray());
        assertEquals(0, ran.exit(), ran.output());
        assertTrue(ran.output().contains("i8mm: all right") && ran.output().contains("neon: all right"), ran.output());
        command.set(4, "cortex-a72"); // has no dot products
        Ran older = run(Map.of(), command.toArray());
        assertEquals(3, older.exit(), older.output());
    }

    @Test
    @Tag("slow")
    void anotherCompilersKernelsGiveTheFormulasResults() throws Exception {
        assumeBuilt();
        Optional<String> clang = program("clang");
        assumeTrue(clang.isPresent(), "skipped: no clang here");
        Path lib = library(clang.get(), Map.of());
        Ran ran = run(Map.of(), checker(clang.get()), lib);
        assertEquals(0, ran.exit(), ran.output());
    }
}
