package dev.skald.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** `skald serve` as a process of its own, on a port that the system picks. */
final class Daemon implements AutoCloseable {
    private static final int PATIENCE_SECONDS = 60;

    final Process process;
    private final Path errors;
    private final JsonNode ready;
    final ManagedChannel channel;

    /** Returns once it serves. */
    static Daemon start(Path folder, Path model, String... flags) throws IOException {
        Path errors = Files.createTempFile(folder, "serve", ".err");
        List<String> command = new ArrayList<>(command("serve", model.toString(), "--port", "0", "--json", "--kv-cache-memory-bytes", "1MiB"));
        command.addAll(List.of(flags));
        Process process = new ProcessBuilder(command).redirectError(errors.toFile()).start();
        String line = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8)).readLine();
        if (line == null) throw new AssertionError("did not start: " + Files.readString(errors));
        return new Daemon(process, errors, new ObjectMapper().readTree(line));
    }

    /** The command line of a JVM like this one. */
    static List<String> command(String... args) {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "--enable-native-access=ALL-UNNAMED",
                "--add-modules=jdk.incubator.vector",
                "-Dskald.home=" + System.getProperty("skald.home"),
                "-cp", System.getProperty("java.class.path"),
                "dev.skald.Skald"));
        command.addAll(List.of(args));
        return command;
    }

    private Daemon(Process process, Path errors, JsonNode ready) {
        this.process = process;
        this.errors = errors;
        this.ready = ready;
        channel = NettyChannelBuilder.forAddress("127.0.0.1", ready.get("port").asInt()).usePlaintext().build();
    }

    JsonNode ready() {
        return ready;
    }

    String errors() throws IOException {
        return Files.readString(errors);
    }

    /** As an orchestrator does: a Java process can't be sent SIGTERM in another way that its handlers see. */
    void terminate() {
        process.destroy();
    }

    /** @return the exit code */
    int exit() throws InterruptedException, IOException {
        if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) throw new AssertionError("still runs: " + errors());
        return process.exitValue();
    }

    @Override
    public void close() {
        channel.shutdownNow();
        process.destroyForcibly();
    }
}
