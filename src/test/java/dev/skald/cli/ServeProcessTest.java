package dev.skald.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.skald.api.v1.GenerateStreamRequest;
import dev.skald.api.v1.GenerateStreamResponse;
import dev.skald.api.v1.InferenceGrpc;
import dev.skald.api.v1.Stopping;
import dev.skald.boot.TinyFolder;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Iterator;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The daemon as a process: what it prints, how it ends. */
class ServeProcessTest {
    @TempDir
    static Path folder;

    private static Path model;

    @BeforeAll
    static void writeModel() {
        model = TinyFolder.write(folder, "tiny", 1);
    }

    private static Iterator<GenerateStreamResponse> stream(Daemon daemon, int tokens) {
        return InferenceGrpc.newBlockingStub(daemon.channel).generateStream(GenerateStreamRequest.newBuilder()
                .setText("hello")
                .setStopping(Stopping.newBuilder().setMaxTokens(tokens).setIgnoreEos(true))
                .build());
    }

    @Test
    void itSaysWhatItRunsAndEndsInOrderWithoutCuttingAStream() throws Exception {
        try (Daemon daemon = Daemon.start(folder, model, "--served-model-name", "mine", "--admin-port", "0")) {
            assertEquals("mine", daemon.ready().get("model").asText());
            assertEquals("cpu", daemon.ready().get("device").asText());
            assertTrue(daemon.ready().get("admin_port").asInt() > 0);
            assertEquals(ServingStatus.SERVING, HealthGrpc.newBlockingStub(daemon.channel).check(HealthCheckRequest.getDefaultInstance()).getStatus());

            Iterator<GenerateStreamResponse> events = stream(daemon, 200);
            assertEquals("mine", events.next().getStarted().getModel());
            daemon.terminate();
            GenerateStreamResponse last = GenerateStreamResponse.getDefaultInstance();
            while (events.hasNext()) last = events.next();
            assertEquals(200, last.getCompleted().getUsage().getCompletionTokens());
            assertEquals(0, daemon.exit(), daemon.errors());

            String said = daemon.errors();
            assertTrue(said.contains("device   cpu ("), said);
            assertTrue(said.contains("model    mine: llama"), said);
            assertTrue(said.contains("full-length sequences"), said);
            assertTrue(said.contains("ready in "), said);
            assertTrue(said.contains("./skald generate --endpoint 127.0.0.1:" + daemon.ready().get("port").asInt() + " --prompt '111+222='"), said);
            assertTrue(said.lines().toList().getLast().endsWith("ended"), said);
            assertFalse(said.contains("\tat "), said);
        }
    }

    @Test
    void aStreamThatOutlastsTheTimeoutIsCutAndTheExitCodeSaysSo() throws Exception {
        try (Daemon daemon = Daemon.start(folder, model, "--shutdown-timeout", "0.2", "--slow-reader-timeout", "60")) {
            // Read once and then no more: the stream is paused, and can't finish.
            Iterator<GenerateStreamResponse> events = endless(daemon);
            events.next();
            daemon.terminate();
            StatusRuntimeException cut = assertThrows(StatusRuntimeException.class, () -> events.forEachRemaining(e -> {}));
            assertEquals(Status.Code.UNAVAILABLE, cut.getStatus().getCode());
            assertEquals(1, daemon.exit(), daemon.errors());
        }
    }

    /** Many choices of many tokens: more than is done in the time that shutting down leaves. */
    private static Iterator<GenerateStreamResponse> endless(Daemon daemon) {
        return InferenceGrpc.newBlockingStub(daemon.channel).generateStream(GenerateStreamRequest.newBuilder()
                .setText("hello")
                .setSampling(dev.skald.api.v1.Sampling.newBuilder().setN(64).setTemperature(1))
                .setStopping(Stopping.newBuilder().setMaxTokens(250).setIgnoreEos(true))
                .build());
    }

    @Test
    void aSecondSignalEndsItAtOnce() throws Exception {
        try (Daemon daemon = Daemon.start(folder, model, "--drain-delay", "60")) {
            daemon.terminate();
            while (!daemon.errors().contains("draining")) Thread.sleep(20);
            daemon.terminate();
            assertEquals(1, daemon.exit());
        }
    }

    @Test
    void checkStartsGeneratesATokenAndExits() {
        Ran ran = Ran.run("serve", model.toString(), "--port", "0", "--check", "--json", "--kv-cache-memory-bytes", "1MiB");
        assertEquals(0, ran.code(), ran.err());
        assertTrue(ran.out().startsWith("{\"address\":\"127.0.0.1:"), ran.out());
        assertTrue(ran.err().contains("ready in "), ran.err());
    }

    @Test
    void aPortInUseIsToldInOneSentence() throws IOException {
        try (java.net.ServerSocket taken = new java.net.ServerSocket(0, 1, java.net.InetAddress.getLoopbackAddress())) {
            Ran ran = Ran.run("serve", model.toString(), "--port", String.valueOf(taken.getLocalPort()));
            assertEquals(1, ran.code());
            assertEquals("skald: cannot listen on 127.0.0.1:" + taken.getLocalPort() + ": Address already in use\n", ran.err());
        }
    }

    @Test
    void plaintextOnAnAddressThatOthersReachIsWarnedOf() {
        Ran ran = Ran.run("serve", model.toString(), "--host", "0.0.0.0", "--port", "0", "--check", "--kv-cache-memory-bytes", "1MiB");
        assertTrue(ran.err().contains("warning: 0.0.0.0 can be reached by other machines, and nothing is encrypted"), ran.err());
    }
}
