package dev.skald.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;
import java.io.IOException;
import java.io.InputStream;
import java.lang.classfile.ClassFile;
import java.lang.classfile.constantpool.ClassEntry;
import java.lang.classfile.constantpool.MemberRefEntry;
import java.lang.classfile.constantpool.PoolEntry;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The tokenizers library looks for GPUs, calls home, downloads and caches when it is used as its makers meant it. Here a JVM of its own
 * uses it as we do, in a place where nothing can be written, and its log of loaded classes shows what it could have done: without a
 * socket class and an address class there is no connection.
 */
class TokenizerOfflineTest {
    private static final String ANSWER = "the sea |the sea |true|false";

    /** Whatever a connection needs (reading a file loads SocketChannelImpl for a type check, but never what opens one), and the library's own loader with all that it drags in. */
    private static final List<String> FORBIDDEN = List.of(
            "java.net.Socket", "java.net.HttpURLConnection", "sun.net.www.protocol.http.", "sun.net.www.protocol.https.", "java.net.http.",
            "jdk.internal.net.http.", "java.net.InetAddress", "java.net.InetSocketAddress", "sun.nio.ch.Net ", "sun.nio.ch.NioSocketImpl", "java.net.DatagramSocket",
            "ai.djl.huggingface.tokenizers.jni.LibUtils", "ai.djl.util.Ec2Utils", "ai.djl.util.Platform", "ai.djl.util.cuda.", "com.sun.jna.");

    @Test
    void nothingIsConnectedAndNothingIsWritten(@TempDir Path folder) throws Exception {
        Path home = distribution(folder);
        List<String> lines = probe(List.of(), folder, "-Dskald.home=" + home, "-Djava.io.tmpdir=/dev/null/tmp");
        assertTrue(lines.contains(ANSWER), () -> String.join("\n", lines.subList(Math.max(0, lines.size() - 20), lines.size())));
        TreeSet<String> loaded = new TreeSet<>(Files.readAllLines(folder.resolve("classes.log")));
        assertTrue(loaded.size() > 300 && loaded.stream().anyMatch(line -> line.contains("TokenizersLibrary")), "the log of classes is not one");
        for (String forbidden : FORBIDDEN) {
            assertFalse(loaded.stream().anyMatch(line -> line.startsWith(forbidden) || line.contains(" " + forbidden)), forbidden + " was loaded");
        }
        try (Stream<Path> left = Files.walk(home)) {
            assertEquals(1, left.filter(Files::isRegularFile).count(), "something was written into the distribution");
        }
    }

    @Test
    void itWorksWhereThereIsNoNetworkAtAll(@TempDir Path folder) throws Exception {
        List<String> unshare = List.of("unshare", "--user", "--map-root-user", "--net");
        List<String> trial = new ArrayList<>(unshare);
        trial.add("true");
        assumeTrue(succeeds(trial), "this machine gives no network namespace");
        List<String> lines = probe(unshare, folder, "-Dskald.home=" + distribution(folder));
        assertTrue(lines.contains(ANSWER), () -> String.join("\n", lines));
    }

    @Test
    void withoutADistributionTheClassPathServesAndSaysSo(@TempDir Path folder) throws Exception {
        List<String> lines = probe(List.of(), folder, "-Dskald.home=" + folder.resolve("nowhere"), "-Djava.io.tmpdir=" + folder);
        assertTrue(lines.contains(ANSWER), () -> String.join("\n", lines));
        assertTrue(lines.stream().anyMatch(line -> line.contains("class path") && line.contains("nowhere")), () -> String.join("\n", lines));
        try (Stream<Path> left = Files.list(folder)) {
            assertTrue(left.noneMatch(path -> path.getFileName().toString().startsWith("skald-native-")), "the copy was left behind");
        }
    }

    /** The native side downloads in one method only, and the Java side outside of the class with the native methods; we call neither. */
    @Test
    void ourClassesTouchNothingElseOfTheLibrary() throws Exception {
        Path classes = Path.of(Tokenizer.class.getProtectionDomain().getCodeSource().getLocation().toURI());
        int seen = 0;
        try (Stream<Path> files = Files.walk(classes)) {
            for (Path file : (Iterable<Path>) files.filter(path -> path.toString().endsWith(".class"))::iterator) {
                seen += check(file);
            }
        }
        assertTrue(seen >= 2, "no class uses the library");
    }

    private static int check(Path file) throws IOException {
        int seen = 0;
        for (PoolEntry entry : ClassFile.of().parse(file).constantPool()) {
            if (entry instanceof ClassEntry type && type.asInternalName().startsWith("ai/djl/")) {
                assertEquals("ai/djl/huggingface/tokenizers/jni/TokenizersLibrary", type.asInternalName(), file.toString());
                seen++;
            }
            if (entry instanceof MemberRefEntry member && member.owner().asInternalName().startsWith("ai/djl/")) {
                assertFalse(member.name().equalsString("createTokenizer"), file + " may download");
            }
        }
        return seen;
    }

    /** A folder as `package` makes it, with the one file that the tokenizer needs of it. */
    private static Path distribution(Path folder) throws IOException {
        String file = System.mapLibraryName("tokenizers");
        Path lib = folder.resolve("home/native").resolve(file);
        Files.createDirectories(lib.getParent());
        try (InputStream in = TokenizersLibrary.class.getResourceAsStream("/native/lib/" + NativeTokenizers.platform() + "/cpu/" + file)) {
            Files.copy(in, lib);
        }
        return folder.resolve("home");
    }

    private static List<String> probe(List<String> before, Path folder, String... flags) throws Exception {
        List<String> command = new ArrayList<>(before);
        command.addAll(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "--enable-native-access=ALL-UNNAMED",
                "-Xlog:class+load:file=" + folder.resolve("classes.log") + ":none:filesize=0", "-Duser.home=/dev/null/home"));
        command.addAll(List.of(flags));
        String classPath = System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
        command.addAll(List.of("-cp", classPath, OfflineProbe.class.getName(), Goldens.folder("tokenizers/bytelevel").toString()));
        Path out = folder.resolve("out.txt");
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(out.toFile());
        builder.environment().put("HOME", "/dev/null/home");
        builder.environment().remove("DJL_CACHE_DIR");
        Process process = builder.start();
        assertTrue(process.waitFor(2, TimeUnit.MINUTES), "the JVM doesn't end");
        List<String> lines = Files.readAllLines(out, StandardCharsets.UTF_8);
        assertEquals(0, process.exitValue(), () -> String.join("\n", lines));
        return lines;
    }

    private static boolean succeeds(List<String> command) throws InterruptedException {
        try {
            return new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.DISCARD).start().waitFor() == 0;
        } catch (IOException e) {
            return false;
        }
    }
}
