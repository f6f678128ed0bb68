package dev.skald.grpc;

import io.grpc.netty.GrpcSslContexts;
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * PEM files of a server that speaks TLS.
 *
 * @param certificateChain its own first
 * @param privateKey       PKCS #8, not encrypted
 * @param clientCa         set: clients must show a certificate that one of these signed
 */
public record TlsFiles(Path certificateChain, Path privateKey, Optional<Path> clientCa) {
    /** @throws IOException in one sentence that names the file at fault */
    SslContext serverContext() throws IOException {
        readable(certificateChain);
        readable(privateKey);
        if (clientCa.isPresent()) readable(clientCa.get());
        try {
            SslContextBuilder builder = GrpcSslContexts.forServer(certificateChain.toFile(), privateKey.toFile());
            clientCa.ifPresent(ca -> builder.trustManager(ca.toFile()).clientAuth(ClientAuth.REQUIRE));
            return builder.build();
        } catch (IllegalArgumentException e) {
            throw new IOException("cannot use " + certificateChain + " with " + privateKey + ": " + rootMessage(e), e);
        }
    }

    private static void readable(Path file) throws IOException {
        if (!Files.isReadable(file)) throw new IOException("cannot read " + file);
    }

    private static String rootMessage(Throwable e) {
        Throwable root = e;
        while (root.getCause() != null) root = root.getCause();
        return root.getMessage();
    }
}
