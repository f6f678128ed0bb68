package dev.skald;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The launcher alone, in a small tree of its own with a JDK and a Maven that only say how they were called. */
class LauncherTest {
    private static final String JAVA = "#!/bin/sh\nfor a in \"$@\"; do echo \"arg=$a\"; done\necho \"locale=${LC_ALL:-}\"\n";
    private static final String MAVEN = "#!/bin/sh\necho built >> builds\nsleep 1\nmkdir -p target/skald\n"
            + "printf '' > target/skald/jvm.args\ntouch target/skald/built\necho noise\n";

    @TempDir
    private Path temp;

    private Path tree;
    private Path jdk;
    private Path tools;

    @BeforeEach
    void makeTree() throws IOException {
        assumeTrue(Files.isExecutable(Path.of("/bin/sh")), "skipped: no /bin/sh here");
        tree = Files.createDirectories(temp.resolve("a tree"));
        Files.createDirectories(tree.resolve("src/main"));
        Files.writeString(tree.resolve("pom.xml"), "<project/>");
        Files.copy(Path.of("skald"), tree.resolve("skald"));
        executable(tree.resolve("skald"));
        jdk = fakeJdk("jdk", "25.0.1");
        tools = Files.createDirectories(temp.resolve("tools"));
        script(tools.resolve("mvn"), MAVEN);
    }

    @Test
    void buildsOnceThenOnlyWhenASourceIsNewer() throws Exception {
        assertEquals(0, launch(Map.of(), "serve").exit());
        assertEquals(0, launch(Map.of(), "serve").exit());
        assertEquals(1, builds());
        Path source = Files.writeString(tree.resolve("src/main/A.java"), "class A {}");
        Files.setLastModifiedTime(source, FileTime.from(Instant.now().plusSeconds(5)));
        launch(Map.of(), "serve");
        assertEquals(2, builds());
    }

    @Test
    void twoAtOnceBuildOnce() throws Exception {
        Process a = start(Map.of(), "one");
        Process b = start(Map.of(), "two");
        assertTrue(a.waitFor(30, TimeUnit.SECONDS) && b.waitFor(30, TimeUnit.SECONDS));
        assertEquals(List.of(0, 0), List.of(a.exitValue(), b.exitValue()));
        assertEquals(1, builds());
    }

    @Test
    void aLockWhoseOwnerDiedIsTaken() throws Exception {
        Files.createDirectories(tree.resolve("target"));
        Files.createSymbolicLink(tree.resolve("target/build.lock"), Path.of("999999999"));
        assertEquals(0, launch(Map.of(), "serve").exit());
        assertEquals(1, builds());
    }

    @Test
    void aFailedBuildSaysSoAndStartsNothing() throws Exception {
        script(tools.resolve("mvn"), "#!/bin/sh\necho 'no such symbol'\nexit 1\n");
        Result r = launch(Map.of(), "serve");
        assertEquals(1, r.exit());
        assertEquals("", r.out());
        assertTrue(r.err().contains("no such symbol") && r.err().contains("the build failed"), r.err());
    }

    @Test
    void buildOutputNeverReachesStandardOutput() throws Exception {
        Result r = launch(Map.of(), "generate");
        assertTrue(r.err().contains("noise"), r.err());
        assertTrue(r.out().startsWith("arg=@"), r.out());
    }

    @Test
    void argumentsArriveAsTheyAreAndTheLocaleIsUtf8() throws Exception {
        Result r = launch(Map.of("LC_ALL", "C"), "generate", "--prompt", "中国 *  \"x\"");
        assertTrue(r.out().contains("arg=中国 *  \"x\"\n"), r.out());
        assertTrue(r.out().contains("locale=C.UTF-8"), r.out());
        assertTrue(launch(Map.of("LC_ALL", "de_DE.utf8"), "x").out().contains("locale=de_DE.utf8"));
    }

    @Test
    void aJdkTooOldIsRefusedInOneSentence() throws Exception {
        Path old = fakeJdk("old", "17.0.15");
        Result r = launch(Map.of("SKALD__JAVA_HOME", old.toString()), "serve");
        assertEquals(2, r.exit());
        assertEquals("skald: SKALD__JAVA_HOME=" + old + " is no JDK 25 or later\n", r.err());
    }

    @Test
    void javaHomeThatIsTooOldIsPassedOver() throws Exception {
        Path old = fakeJdk("old", "17.0.15");
        Path newer = fakeJdk("jdk26", "26");
        Path bin = Files.createDirectories(temp.resolve("bin"));
        Files.createSymbolicLink(bin.resolve("java"), newer.resolve("bin/java"));
        Result r = launch(Map.of("SKALD__JAVA_HOME", "", "JAVA_HOME", old.toString(), "PATH", bin + ":" + path()), "serve");
        assertEquals(0, r.exit(), r.err());
    }

    @Test
    void withoutMavenThereIsOneSentence() throws Exception {
        Path bin = Files.createDirectories(temp.resolve("bin"));
        for (String tool : List.of("dirname", "sed", "find", "head", "readlink", "ln", "rm", "mkdir", "sleep")) {
            for (String place : List.of("/usr/bin/", "/bin/")) {
                if (Files.exists(Path.of(place + tool)) && !Files.exists(bin.resolve(tool))) {
                    script(bin.resolve(tool), "#!/bin/sh\nexec " + place + tool + " \"$@\"\n");
                }
            }
        }
        Result r = launch(Map.of("PATH", bin.toString()), "serve");
        assertEquals(2, r.exit(), r.err());
        assertEquals("skald: needs Maven 3.8 or later to build itself: install it, or use a packaged distribution\n", r.err());
    }

    /** The module of the kernels in Java slows every start, so it is there only where they will run. */
    @Test
    void theVectorModuleIsAddedOnlyForKernelsInJava() throws Exception {
        String module = "arg=--add-modules=jdk.incubator.vector\n";
        assertTrue(launch(Map.of(), "serve").out().contains(module), "no native library here");
        Path folder = Files.createDirectories(tree.resolve("target/skald/native"));
        Files.createFile(folder.resolve("libskald.so"));
        boolean runsNative = !Files.exists(Path.of("/proc/cpuinfo")) || Files.readString(Path.of("/proc/cpuinfo")).matches("(?s).*\\b(avx2|asimddp)\\b.*");
        assertEquals(!runsNative, launch(Map.of(), "serve").out().contains(module));
        assertTrue(launch(Map.of(), "serve", "--kernels", "java").out().contains(module));
        assertTrue(launch(Map.of(), "serve", "--kernels=java").out().contains(module));
        assertTrue(launch(Map.of("SKALD__KERNELS", "java"), "serve").out().contains(module));
    }

    @Test
    void eachSetOfFlagsHasAStartUpCacheOfItsOwn() throws Exception {
        Path cache = Files.createDirectories(tree.resolve("target/skald/cache"));
        launch(Map.of(), "serve");
        Files.createFile(cache.resolve("skald-java.aot"));
        Result java = launch(Map.of(), "serve", "--kernels", "java");
        assertTrue(java.out().contains("arg=-XX:AOTCache=" + cache.toRealPath().resolve("skald-java.aot") + "\n"), java.out());
        Result training = launch(Map.of("SKALD__AOT_TRAIN", "true"), "train-cache");
        assertTrue(training.out().contains("arg=-XX:AOTCacheOutput=" + cache.toRealPath().resolve("skald-java.aot") + "\n"), training.out());
    }

    @Test
    void aSymlinkElsewhereFindsTheTree() throws Exception {
        launch(Map.of(), "serve");
        Path link = Files.createSymbolicLink(temp.resolve("skald-link"), tree.resolve("skald"));
        Result r = run(List.of(link.toString(), "x"), Map.of());
        assertEquals(0, r.exit(), r.err());
        assertTrue(r.out().contains("-Dskald.home=" + tree.toRealPath() + "/target/skald"), r.out());
    }

    private int builds() throws IOException {
        return Files.readAllLines(tree.resolve("builds")).size();
    }

    private Path fakeJdk(String name, String version) throws IOException {
        Path home = Files.createDirectories(temp.resolve(name));
        Files.createDirectories(home.resolve("bin"));
        script(home.resolve("bin/java"), JAVA);
        script(home.resolve("bin/javac"), JAVA);
        Files.writeString(home.resolve("release"), "IMPLEMENTOR=\"x\"\nJAVA_VERSION=\"" + version + "\"\n");
        return home;
    }

    private static void script(Path file, String text) throws IOException {
        Files.writeString(file, text);
        executable(file);
    }

    private static void executable(Path file) throws IOException {
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    private String path() {
        return tools + ":/usr/bin:/bin";
    }

    private Result launch(Map<String, String> env, String... args) throws Exception {
        return finish(start(env, args));
    }

    private Process start(Map<String, String> env, String... args) throws IOException {
        return process(java.util.stream.Stream.concat(
                java.util.stream.Stream.of(tree.resolve("skald").toString()), java.util.Arrays.stream(args)).toList(), env).start();
    }

    private Result run(List<String> command, Map<String, String> env) throws Exception {
        return finish(process(command, env).start());
    }

    private ProcessBuilder process(List<String> command, Map<String, String> env) {
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment().clear();
        builder.environment().put("PATH", path());
        builder.environment().put("SKALD__JAVA_HOME", jdk.toString());
        builder.environment().putAll(env);
        return builder;
    }

    private static Result finish(Process p) throws Exception {
        String out = new String(p.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        String err = new String(p.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
        assertTrue(p.waitFor(30, TimeUnit.SECONDS));
        return new Result(p.exitValue(), out, err);
    }

    private record Result(int exit, String out, String err) {}
}
