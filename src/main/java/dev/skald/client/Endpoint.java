package dev.skald.client;

import java.nio.file.Path;
import java.util.Optional;

/**
 * Where a daemon listens and how to talk to it.
 *
 * @param target {@code host:port}, or any target gRPC resolves, e.g. {@code dns:///skald:50051}
 * @param tls    empty: plaintext
 */
public record Endpoint(String target, Optional<Tls> tls) {
    /**
     * @param serverCa   PEM of who signed the server's certificate; empty: the JVM's own
     * @param clientCert PEM chain that the client shows; with {@code clientKey}
     * @param clientKey  PEM, PKCS #8
     */
    public record Tls(Optional<Path> serverCa, Optional<Path> clientCert, Optional<Path> clientKey) {
        public Tls {
            if (clientCert.isPresent() != clientKey.isPresent())
                throw new IllegalArgumentException("a client certificate needs its key, and a key its certificate");
        }
    }

    /** @throws IllegalArgumentException saying what a target looks like */
    public Endpoint {
        boolean hostPort = target.matches("(\\[[0-9a-fA-F:.]+\\]|[^\\s:/]+):\\d{1,5}");
        if (!hostPort && !target.matches("[a-z][a-z0-9+.-]*:///?.+|unix:.+")) throw new IllegalArgumentException("endpoint \"" + target + "\" is not HOST:PORT");
    }

    public static Endpoint plaintext(String target) {
        return new Endpoint(target, Optional.empty());
    }
}
