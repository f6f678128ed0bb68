package dev.skald.cli;

import dev.skald.client.Endpoint;
import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine.Option;

/** How to talk to a daemon that speaks TLS. */
final class TlsFlags {
    @Option(names = "--tls", arity = "0..1", fallbackValue = "true", paramLabel = "BOOL",
            description = "The daemon speaks TLS, with a certificate of an authority that Java knows.")
    boolean tls;

    @Option(names = "--tls-ca", paramLabel = "FILE", description = "The daemon speaks TLS, with a certificate of these authorities (PEM).")
    Path ca;

    @Option(names = "--tls-client-cert", paramLabel = "FILE", description = "Certificate chain in PEM to show the daemon; needs --tls-client-key.")
    Path certificate;

    @Option(names = "--tls-client-key", paramLabel = "FILE", description = "Its private key in PEM (PKCS#8).")
    Path key;

    /** @throws CliException for flags that contradict each other, or what is no address */
    Endpoint endpoint(String target) {
        if ((certificate == null) != (key == null)) throw CliException.askedWrongly("--tls-client-cert and --tls-client-key are needed together");
        Optional<Endpoint.Tls> files = !tls && ca == null && certificate == null
                ? Optional.empty()
                : Optional.of(new Endpoint.Tls(Optional.ofNullable(ca), Optional.ofNullable(certificate), Optional.ofNullable(key)));
        try {
            return new Endpoint(target, files);
        } catch (IllegalArgumentException e) {
            throw CliException.askedWrongly(e.getMessage());
        }
    }
}
