package dev.skald.gpucheck;

import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.spi.ToolProvider;
import java.util.stream.Stream;

/**
 * Packs everything that `gpu-check` needs into one archive: a runtime with the modules that it uses, of our classes and the libraries' those that it loads,
 * kernels, skald-mini and its gauge, the software device to compare with, and a forwarding cuBLAS. Needs the source tree, a C compiler, tar and xz here.
 */
public final class Bundle {
    /** An archive beyond this does not travel to every machine. */
    private static final long MOST_BYTES = 40L << 20;

    private static final String NAME = "gpu-check";
    private static final String MODULES = "java.base,java.logging,java.management,jdk.management,jdk.unsupported,java.xml";
    private static final String JVM_FLAGS = """
            -Xmx2g
            -XX:+UseSerialGC
            -XX:+ExitOnOutOfMemoryError
            -XX:-UsePerfData
            --enable-native-access=ALL-UNNAMED
            """;
    private static final String README = """
            Checks and measures an NVIDIA card with Skald. Needs an x86-64 Linux with glibc and the card's driver, and nothing else.

              ./gpu-check                      everything, the most important first, about 25 minutes
              ./gpu-check --list               names of the parts
              ./gpu-check --only kernels,card  some of them
              ./gpu-check --simulated          without a card, on the software device, and small: whether all of it runs
              ./gpu-check --budget 540         begin no part after 540 s; call again with --only for the rest: results in the same --out are kept

            Results are in gpu-check-results (or --out DIR): gpu-check.json and gpu-check.md, written anew after each part, and a log of each part.
            cuBLAS is found where CUDA, PyTorch or Conda usually put it, or on LD_LIBRARY_PATH; without it Skald's own kernels do everything.
            """;

    private final Path home;
    private final Path root;
    private final Path folder;

    private Bundle(Path home, Path root, Path folder) {
        this.home = home;
        this.root = root;
        this.folder = folder;
    }

    /**
     * @param home    folder of the distribution, in a source tree
     * @param archive the file to write, …tar.xz
     * @return a sentence: what was written
     * @throws IOException with a sentence: what is missing
     */
    public static String write(Path home, Path archive) throws IOException, InterruptedException {
        Path root = home.toAbsolutePath().normalize().getParent().getParent();
        if (root == null || !Files.exists(root.resolve("native/cublas13/build.sh"))) {
            throw new IOException("--bundle needs the source tree that Skald was built in; " + home + " lies in none");
        }
        Path work = Files.createTempDirectory("skald-bundle");
        try {
            Path folder = Files.createDirectory(work.resolve(NAME));
            new Bundle(home, root, folder).fill();
            return pack(work, archive.toAbsolutePath());
        } finally {
            clear(work);
        }
    }

    private void fill() throws IOException, InterruptedException {
        runtime();
        jars();
        Path natives = Files.createDirectory(folder.resolve("native"));
        for (String library : List.of("libskald.so", "libtokenizers.so")) {
            if (Files.exists(home.resolve("native").resolve(library))) Files.copy(home.resolve("native").resolve(library), natives.resolve(library));
        }
        copyTree(home.resolve("native/cuda"), natives.resolve("cuda"));
        copyTree(home.resolve("models/skald-mini"), folder.resolve("models/skald-mini"));
        copyTree(root.resolve("src/skald-mini/gauge"), folder.resolve("gauge"));
        run("sh", root.resolve("native/cublas13/build.sh").toString(), folder.resolve("forward").toString());
        Path simulated = root.resolve("target/simcuda");
        run("sh", root.resolve("native/simcuda/build.sh").toString(), simulated.toString());
        for (String file : List.of("libcuda.so.1", "libcublas.so.12", "kernels/skald.sim")) {
            if (!Files.exists(simulated.resolve(file))) throw new IOException("the software device was not built: there is no " + simulated.resolve(file));
            Path to = folder.resolve("simcuda").resolve(file);
            Files.createDirectories(to.getParent());
            Files.copy(simulated.resolve(file), to);
        }
        Files.writeString(folder.resolve("jvm.args"), JVM_FLAGS);
        Files.writeString(folder.resolve("README"), README);
        Files.writeString(folder.resolve("commit"), GpuCheck.commit(home) + "\n");
        Path script = folder.resolve(NAME);
        try (InputStream in = Bundle.class.getResourceAsStream("gpu-check.sh")) {
            if (in == null) throw new IOException("this program was built without gpu-check.sh");
            Files.copy(in, script, StandardCopyOption.REPLACE_EXISTING);
        }
        if (!script.toFile().setExecutable(true, false)) throw new IOException(script + " can't be made executable");
    }

    /** Uncompressed, since the archive is compressed as a whole, and better. */
    private void runtime() throws IOException {
        Optional<ToolProvider> jlink = ToolProvider.findFirst("jlink");
        if (jlink.isEmpty()) throw new IOException("this Java has no jlink: --bundle needs a whole JDK");
        StringWriter said = new StringWriter();
        int code = jlink.get().run(
                new PrintWriter(said), new PrintWriter(said), "--add-modules", MODULES, "--strip-java-debug-attributes", "--no-header-files", "--no-man-pages",
                "--compress", "zip-0", "--output", folder.resolve("runtime").toString());
        if (code != 0) throw new IOException("jlink failed: " + said);
    }

    private void jars() throws IOException {
        Path lib = Files.createDirectory(folder.resolve("lib"));
        List<Path> jars;
        try (Stream<Path> list = Files.list(home.resolve("lib"))) {
            jars = list.sorted().toList();
        }
        for (Path jar : jars) {
            for (BundleJar trimmed : BundleJar.ALL) if (trimmed.isFor(jar)) trimmed.copy(jar, lib.resolve(jar.getFileName()));
        }
    }

    private static String pack(Path work, Path archive) throws IOException, InterruptedException {
        Files.createDirectories(archive.getParent());
        run("sh", "-c", "tar -C \"$1\" --owner=0 --group=0 --sort=name -cf - " + NAME + " | xz -7 -T1 > \"$2\"", "pack", work.toString(), archive + ".new");
        Files.move(Path.of(archive + ".new"), archive, StandardCopyOption.REPLACE_EXISTING);
        long bytes = Files.size(archive);
        String sentence = String.format(Locale.ROOT, "%s: %.1f MiB", archive, bytes / 1048576.0);
        if (bytes > MOST_BYTES) throw new IOException(sentence + ", which is more than the " + (MOST_BYTES >> 20) + " that may travel");
        return sentence + "; unpack it on the machine with the card, and run ./gpu-check/gpu-check there";
    }

    private static void run(String... command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        process.getOutputStream().close();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
        if (process.waitFor() != 0) throw new IOException(String.join(" ", List.of(command).subList(0, 2)) + " failed: " + said);
    }

    private static void copyTree(Path from, Path to) throws IOException {
        List<Path> files;
        try (Stream<Path> walk = Files.walk(from)) {
            files = walk.filter(Files::isRegularFile).toList();
        }
        for (Path file : files) {
            Path target = to.resolve(from.relativize(file).toString());
            Files.createDirectories(target.getParent());
            Files.copy(file, target);
        }
    }

    private static void clear(Path work) throws IOException {
        List<Path> all;
        try (Stream<Path> walk = Files.walk(work)) {
            all = new ArrayList<>(walk.sorted(Comparator.reverseOrder()).toList());
        }
        for (Path path : all) Files.delete(path);
    }
}
