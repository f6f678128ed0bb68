package dev.skald.grpc;

import io.grpc.netty.GrpcSslContexts;
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PublicKey;
import java.security.Signature;
import java.security.SignatureException;
import java.security.cert.CertificateFactory;
import java.security.spec.InvalidKeySpecException;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
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
            if (!match()) throw new IOException(privateKey + " is not the key of the certificate in " + certificateChain);
            clientCa.ifPresent(ca -> builder.trustManager(ca.toFile()).clientAuth(ClientAuth.REQUIRE));
            return builder.build();
        } catch (IllegalArgumentException | GeneralSecurityException e) {
            throw new IOException("cannot use " + certificateChain + " with " + privateKey + ": " + rootMessage(e), e);
        }
    }

    /** Whether what the key signs is verified by the certificate. The TLS library would only notice at the first handshake. */
    private boolean match() throws IOException, GeneralSecurityException {
        PublicKey published;
        try (InputStream in = Files.newInputStream(certificateChain)) {
            published = CertificateFactory.getInstance("X.509").generateCertificate(in).getPublicKey();
        }
        Optional<String> algorithm = switch (published.getAlgorithm()) {
            case "RSA" -> Optional.of("SHA256withRSA");
            case "EC" -> Optional.of("SHA256withECDSA");
            case "EdDSA", "Ed25519", "Ed448" -> Optional.of("EdDSA");
            default -> Optional.empty();
        };
        if (algorithm.isEmpty()) return true;
        try {
            String pem = Files.readString(privateKey).replaceAll("(?s).*-----BEGIN PRIVATE KEY-----(.*?)-----END PRIVATE KEY-----.*", "$1");
            PKCS8EncodedKeySpec key = new PKCS8EncodedKeySpec(Base64.getMimeDecoder().decode(pem));
            Signature signature = Signature.getInstance(algorithm.get());
            signature.initSign(KeyFactory.getInstance(published.getAlgorithm()).generatePrivate(key));
            byte[] signed = signature.sign();
            signature.initVerify(published);
            return signature.verify(signed);
        } catch (InvalidKeySpecException | SignatureException e) {
            return false;
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
