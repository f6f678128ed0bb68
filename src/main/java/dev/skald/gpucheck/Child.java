package dev.skald.gpucheck;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** Another process of this program that runs one part: the same Java and the same classes. */
final class Child {
    static final String COMMAND = "gpu-check-part";
    static final String MAIN = "dev.skald.Skald";

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String KERNELS_PROPERTY = "skald.cuda.kernels";
    private static final String RESULT = "@result ";
    private static final int TAIL_CHARS = 600;

    private Child() {}

    /**
     * How a process ended.
     *
     * @param exit    its code; −1 if it was ended because its time was over
     * @param seconds that it took
     * @param tail    the last of what it said beside its results, for whoever must explain a failure
     */
    record Ended(int exit, double seconds, String tail) {
        boolean outOfTime() {
            return exit < 0;
        }
    }

    /** The command line, to be preceded by a tool that watches it, if any. @param part its name @param kernels folder of their images; empty: as here */
    static List<String> command(Surroundings surroundings, String part, Optional<Path> kernels) {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        Path flags = surroundings.home().resolve("jvm.args");
        if (Files.exists(flags)) command.add("@" + flags);
        else command.add("--enable-native-access=ALL-UNNAMED");
        String here = System.getProperty(KERNELS_PROPERTY, "");
        String images = kernels.map(Path::toString).orElse(here);
        if (!images.isEmpty()) command.add("-D" + KERNELS_PROPERTY + "=" + images);
        command.addAll(List.of(
                "-Dskald.home=" + surroundings.home(), "-cp", System.getProperty("java.class.path"), MAIN, COMMAND, part, "--out", surroundings.out().toString()));
        return command;
    }

    /** Writes a result where {@link #run} reads it. */
    static void print(Result result) {
        try {
            System.out.println(RESULT + JSON.writeValueAsString(result));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
        System.out.flush();
    }

    /**
     * Runs a command to its end, or to the end of its time.
     *
     * @param environment variables on top of this process's own
     * @param log         what it says beside its results is written there
     */
    static Ended run(List<String> command, Map<String, String> environment, Path log, int limitSeconds, Results results) throws IOException, InterruptedException {
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment().putAll(environment);
        long begun = System.nanoTime();
        Process process = builder.start();
        process.getOutputStream().close();
        Thread reader = Thread.ofPlatform().daemon().start(() -> read(process, log, results));
        boolean ended = process.waitFor(limitSeconds, TimeUnit.SECONDS);
        if (!ended) {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly().waitFor();
        }
        reader.join(TimeUnit.SECONDS.toMillis(10));
        return new Ended(ended ? process.exitValue() : -1, (System.nanoTime() - begun) * 1e-9, tail(log));
    }

    private static void read(Process process, Path log, Results results) {
        try (BufferedReader lines = process.inputReader(StandardCharsets.UTF_8); var out = Files.newBufferedWriter(log)) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                if (line.startsWith(RESULT)) results.add(JSON.readValue(line.substring(RESULT.length()), Result.class));
                else out.append(line).append('\n');
            }
        } catch (IOException e) {
            results.add(Result.failed("reading of the results", String.valueOf(e.getMessage())));
        }
    }

    private static String tail(Path log) throws IOException {
        if (!Files.exists(log)) return "";
        String text = Files.readString(log, StandardCharsets.UTF_8).strip();
        return text.length() <= TAIL_CHARS ? text : "…" + text.substring(text.length() - TAIL_CHARS);
    }
}
