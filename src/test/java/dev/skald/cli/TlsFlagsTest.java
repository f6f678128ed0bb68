package dev.skald.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.skald.grpc.DoorConfig;
import dev.skald.grpc.DoorFixture;
import dev.skald.grpc.DoorLimits;
import dev.skald.grpc.TestCertificates;
import dev.skald.grpc.TlsFiles;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The command line as a client of a daemon that speaks TLS and wants to see a certificate. */
class TlsFlagsTest {
    @TempDir
    Path folder;

    @Test
    void commandsSpeakTlsWhereTheyAreTold() throws Exception {
        TestCertificates certificates = new TestCertificates(folder);
        var ca = certificates.authority("ca");
        var server = certificates.signed("server", ca);
        var client = certificates.signed("client", ca);
        TlsFiles files = new TlsFiles(server.certificate(), server.key(), Optional.of(ca.certificate()));
        try (DoorFixture fixture = new DoorFixture(
                new DoorConfig("127.0.0.1", 0, OptionalInt.empty(), Optional.of(files), DoorLimits.DEFAULT, false, false))) {
            String endpoint = "localhost:" + fixture.door.port();
            String[] tls = {"--tls-ca", ca.certificate().toString(), "--tls-client-cert", client.certificate().toString(), "--tls-client-key", client.key().toString()};
            Ran generated = run(tls, "generate", "--endpoint", endpoint, "--prompt", "hello");
            assertEquals(0, generated.code(), generated.err());
            assertEquals("hello\n", generated.out());
            assertEquals(0, run(tls, "load", endpoint, "--clients", "1", "--requests", "1", "-p", "2", "-n", "2").code());
            Path lines = Files.writeString(folder.resolve("in.jsonl"), "{\"prompt\":\"hello\"}\n");
            Path answers = folder.resolve("out.jsonl");
            Ran batch = run(tls, "batch", "--endpoint", endpoint, "-i", lines.toString(), "-o", answers.toString());
            assertEquals(0, batch.code(), batch.err());
            assertTrue(Files.readString(answers).contains("hello"), Files.readString(answers));

            Ran unknown = Ran.run("generate", "--endpoint", endpoint, "--tls", "--prompt", "x");
            assertEquals(1, unknown.code());
            assertTrue(unknown.err().contains("can't reach " + endpoint), unknown.err());
            Ran half = Ran.run("generate", "--endpoint", endpoint, "--tls-client-cert", client.certificate().toString(), "--prompt", "x");
            assertEquals(2, half.code());
            assertTrue(half.err().contains("--tls-client-cert and --tls-client-key are needed together"), half.err());
        }
    }

    private static Ran run(String[] more, String... first) {
        String[] all = java.util.Arrays.copyOf(first, first.length + more.length);
        System.arraycopy(more, 0, all, first.length, more.length);
        return Ran.run(all);
    }
}
