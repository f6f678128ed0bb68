package dev.skald.cli;

import dev.skald.grpc.DoorConfig;
import dev.skald.grpc.DoorLimits;
import dev.skald.grpc.TlsFiles;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalInt;
import picocli.CommandLine.Option;

/** Where the daemon listens, and how it ends. */
final class DoorFlags {
    @Option(names = "--host", paramLabel = "HOST", description = "Address to listen on (default: 127.0.0.1).")
    String host = "127.0.0.1";

    @Option(names = "--port", paramLabel = "N", description = "Port to listen on; 0 picks one (default: 50051).")
    int port = 50_051;

    @Option(names = "--admin-port", paramLabel = "N", description = "Port on loopback for Drain, Abort and FlushPrefixCache; 0 picks one (default: none).")
    Integer adminPort;

    @Option(names = "--tls-cert", paramLabel = "FILE", description = "Certificate chain in PEM; needs --tls-key.")
    Path tlsCert;

    @Option(names = "--tls-key", paramLabel = "FILE", description = "Private key in PEM (PKCS#8).")
    Path tlsKey;

    @Option(names = "--tls-client-ca", paramLabel = "FILE", description = "Clients must show a certificate of these authorities.")
    Path tlsClientCa;

    @Option(names = "--allow-unknown-fields", arity = "0..1", fallbackValue = "true", hideParamSyntax = true,
            description = "Serve requests with fields that this release doesn't know, leaving those out.")
    boolean allowUnknownFields;

    @Option(names = "--log-prompts", arity = "0..1", fallbackValue = "true", hideParamSyntax = true, description = "Write prompts into the log.")
    boolean logPrompts;

    @Option(names = "--drain-delay", paramLabel = "S", converter = Converters.Seconds.class,
            description = "Seconds to go on listening after SIGTERM, refusing new calls (default: 0).")
    Duration drainDelay = Duration.ZERO;

    @Option(names = "--shutdown-timeout", paramLabel = "S", converter = Converters.Seconds.class,
            description = "Seconds that streams have to finish after that (default: 30).")
    Duration shutdownTimeout = Duration.ofSeconds(30);

    /** @throws CliException for flags that contradict each other or a port that is none */
    DoorConfig config(DoorLimits limits) {
        if ((tlsCert == null) != (tlsKey == null)) throw CliException.askedWrongly("--tls-cert and --tls-key are needed together");
        if (tlsClientCa != null && tlsCert == null) throw CliException.askedWrongly("--tls-client-ca needs --tls-cert and --tls-key");
        Optional<TlsFiles> tls = tlsCert == null ? Optional.empty() : Optional.of(new TlsFiles(tlsCert, tlsKey, Optional.ofNullable(tlsClientCa)));
        try {
            return new DoorConfig(
                    host, port, adminPort == null ? OptionalInt.empty() : OptionalInt.of(adminPort), tls, limits, allowUnknownFields, logPrompts);
        } catch (IllegalArgumentException e) {
            throw CliException.askedWrongly(e.getMessage());
        }
    }
}
