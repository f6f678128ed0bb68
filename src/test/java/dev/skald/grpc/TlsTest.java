package dev.skald.grpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.skald.client.Endpoint;
import dev.skald.client.SkaldClient;
import dev.skald.service.InferenceException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** TLS with certificates of our own making: right, wrong, expired, none. */
class TlsTest {
    @TempDir
    private Path directory;

    private TestCertificates certificates;
    private TestCertificates.Identity ca;
    private TestCertificates.Identity otherCa;
    private TestCertificates.Identity server;

    @BeforeEach
    void make() throws Exception {
        certificates = new TestCertificates(directory);
        ca = certificates.authority("ca");
        otherCa = certificates.authority("other-ca");
        server = certificates.signed("server", ca);
    }

    @Test
    void theRightAuthorityIsTrusted() throws Exception {
        try (DoorFixture fixture = open(server, Optional.empty())) {
            assertEquals("scripted", ask(fixture, tls(ca, Optional.empty())));
        }
    }

    @Test
    void theWrongAuthorityIsNot() throws Exception {
        try (DoorFixture fixture = open(server, Optional.empty())) {
            assertUnavailable(fixture, tls(otherCa, Optional.empty()));
        }
    }

    @Test
    void anExpiredCertificateIsNot() throws Exception {
        try (DoorFixture fixture = open(certificates.expired("old", ca), Optional.empty())) {
            assertUnavailable(fixture, tls(ca, Optional.empty()));
        }
    }

    @Test
    void plaintextToATlsPortIsRefused() throws Exception {
        try (DoorFixture fixture = open(server, Optional.empty())) {
            assertUnavailable(fixture, Optional.empty());
        }
    }

    @Test
    void tlsToAPlaintextPortIsRefused() throws Exception {
        try (DoorFixture fixture = new DoorFixture()) {
            assertUnavailable(fixture, tls(ca, Optional.empty()));
        }
    }

    @Test
    void clientsShowACertificateWhereOneIsAsked() throws Exception {
        TestCertificates.Identity clientCa = certificates.authority("client-ca");
        try (DoorFixture fixture = open(server, Optional.of(clientCa.certificate()))) {
            assertEquals("scripted", ask(fixture, tls(ca, Optional.of(certificates.signed("client", clientCa)))));
            assertUnavailable(fixture, tls(ca, Optional.empty()));
            assertUnavailable(fixture, tls(ca, Optional.of(certificates.signed("stranger", otherCa))));
            assertUnavailable(fixture, tls(ca, Optional.of(certificates.expired("late", clientCa))));
            assertEquals("scripted", ask(fixture, tls(ca, Optional.of(certificates.signed("client-2", clientCa)))), "the door goes on");
        }
    }

    @Test
    void streamsKnowTheirTransportUnderTlsToo() throws Exception {
        try (DoorFixture fixture = open(server, Optional.empty())) {
            try (SkaldClient client = new SkaldClient(new Endpoint("localhost:" + fixture.door.port(), tls(ca, Optional.empty())))) {
                assertEquals("scripted", client.model().name());
            }
            assertEquals(0, fixture.door.untracedStreams(), "a stream could not be traced to its connection");
        }
    }

    @Test
    void filesThatCannotBeUsedAreNamed() throws Exception {
        Path missing = directory.resolve("missing.crt");
        IOException e = assertThrows(IOException.class, () -> open(new TlsFiles(missing, server.key(), Optional.empty())));
        assertEquals("cannot read " + missing, e.getMessage());
        Path garbage = Files.writeString(directory.resolve("garbage.key"), "not a key");
        IOException bad = assertThrows(IOException.class, () -> open(new TlsFiles(server.certificate(), garbage, Optional.empty())));
        assertTrue(bad.getMessage().contains("garbage.key"), bad.getMessage());
        IOException others = assertThrows(IOException.class, () -> open(new TlsFiles(server.certificate(), ca.key(), Optional.empty())));
        assertEquals(ca.key() + " is not the key of the certificate in " + server.certificate(), others.getMessage());
    }

    @Test
    void anOpenDoorWithoutTlsIsKnownToBeExposed() throws Exception {
        assertFalse(DoorConfig.loopback().exposed());
        DoorConfig wide = new DoorConfig("0.0.0.0", 0, OptionalInt.empty(), Optional.empty(), DoorLimits.DEFAULT, false, false);
        assertTrue(wide.exposed());
    }

    private static DoorFixture open(TestCertificates.Identity identity, Optional<Path> clientCa) throws Exception {
        return open(new TlsFiles(identity.certificate(), identity.key(), clientCa));
    }

    private static DoorFixture open(TlsFiles tls) throws Exception {
        return new DoorFixture(new DoorConfig("127.0.0.1", 0, OptionalInt.empty(), Optional.of(tls), DoorLimits.DEFAULT, false, false));
    }

    private static Optional<Endpoint.Tls> tls(TestCertificates.Identity serverCa, Optional<TestCertificates.Identity> client) {
        return Optional.of(new Endpoint.Tls(Optional.of(serverCa.certificate()), client.map(c -> c.certificate()), client.map(c -> c.key())));
    }

    private static String ask(DoorFixture fixture, Optional<Endpoint.Tls> tls) throws IOException {
        try (SkaldClient client = new SkaldClient(new Endpoint("localhost:" + fixture.door.port(), tls))) {
            return client.model().name();
        }
    }

    private static void assertUnavailable(DoorFixture fixture, Optional<Endpoint.Tls> tls) {
        InferenceException e = assertThrows(InferenceException.class, () -> ask(fixture, tls));
        assertEquals(InferenceException.Kind.UNAVAILABLE, e.kind(), e.getMessage());
    }
}
