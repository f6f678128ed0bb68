package dev.skald.grpc;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.Signature;
import java.security.spec.ECGenParameterSpec;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.util.Base64;

/** Makes X.509 certificates for tests: EC P-256, for localhost, written as PEM. */
public final class TestCertificates {
    private static final byte[] ECDSA_SHA256 = sequence(oid(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02));
    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("yyyyMMddHHmmss'Z'").withZone(ZoneOffset.UTC);

    /** A name, its key, and where its PEM files are. */
    public record Identity(String name, KeyPair keys, Path certificate, Path key) {}

    private final Path directory;
    private long serial = 1;

    public TestCertificates(Path directory) {
        this.directory = directory;
    }

    public Identity authority(String name) throws GeneralSecurityException, IOException {
        KeyPair keys = newKeys();
        return write(name, keys, name, keys, Instant.now().minus(1, ChronoUnit.HOURS), Instant.now().plus(1, ChronoUnit.HOURS), true);
    }

    public Identity signed(String name, Identity authority) throws GeneralSecurityException, IOException {
        return write(name, newKeys(), authority.name(), authority.keys(), Instant.now().minus(1, ChronoUnit.HOURS), Instant.now().plus(1, ChronoUnit.HOURS), false);
    }

    Identity expired(String name, Identity authority) throws GeneralSecurityException, IOException {
        return write(name, newKeys(), authority.name(), authority.keys(), Instant.now().minus(9, ChronoUnit.DAYS), Instant.now().minus(1, ChronoUnit.DAYS), false);
    }

    private static KeyPair newKeys() throws GeneralSecurityException {
        KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
        generator.initialize(new ECGenParameterSpec("secp256r1"));
        return generator.generateKeyPair();
    }

    private Identity write(String name, KeyPair keys, String issuer, KeyPair issuerKeys, Instant from, Instant until, boolean authority)
            throws GeneralSecurityException, IOException {
        byte[] basic = extension(oid(0x55, 0x1d, 0x13), authority ? sequence(new byte[] {1, 1, (byte) 0xff}) : sequence());
        byte[] names = extension(oid(0x55, 0x1d, 0x11),
                sequence(der(0x82, "localhost".getBytes(StandardCharsets.US_ASCII)), der(0x87, new byte[] {127, 0, 0, 1})));
        byte[] body = sequence(
                der(0xa0, der(2, new byte[] {2})),
                der(2, BigInteger.valueOf(serial++).toByteArray()),
                ECDSA_SHA256,
                name(issuer),
                sequence(der(0x18, TIME.format(from).getBytes(StandardCharsets.US_ASCII)), der(0x18, TIME.format(until).getBytes(StandardCharsets.US_ASCII))),
                name(name),
                keys.getPublic().getEncoded(),
                der(0xa3, sequence(basic, names)));
        Signature signature = Signature.getInstance("SHA256withECDSA");
        signature.initSign(issuerKeys.getPrivate());
        signature.update(body);
        byte[] certificate = sequence(body, ECDSA_SHA256, der(3, concat(new byte[] {0}, signature.sign())));
        return new Identity(name, keys, pem(name + ".crt", "CERTIFICATE", certificate), pem(name + ".key", "PRIVATE KEY", keys.getPrivate().getEncoded()));
    }

    private Path pem(String file, String label, byte[] der) throws IOException {
        String text = Base64.getMimeEncoder(64, "\n".getBytes(StandardCharsets.US_ASCII)).encodeToString(der);
        return Files.writeString(directory.resolve(file), "-----BEGIN " + label + "-----\n" + text + "\n-----END " + label + "-----\n");
    }

    private static byte[] name(String common) {
        return sequence(der(0x31, sequence(oid(0x55, 0x04, 0x03), der(0x0c, common.getBytes(StandardCharsets.UTF_8)))));
    }

    private static byte[] extension(byte[] oid, byte[] value) {
        return sequence(oid, der(4, value));
    }

    private static byte[] oid(int... bytes) {
        byte[] content = new byte[bytes.length];
        for (int i = 0; i < bytes.length; i++) content[i] = (byte) bytes[i];
        return der(6, content);
    }

    private static byte[] sequence(byte[]... parts) {
        return der(0x30, concat(parts));
    }

    private static byte[] der(int tag, byte[] content) {
        byte[] length = content.length < 128 ? new byte[] {(byte) content.length}
                : content.length < 256 ? new byte[] {(byte) 0x81, (byte) content.length}
                : new byte[] {(byte) 0x82, (byte) (content.length >> 8), (byte) content.length};
        return concat(new byte[] {(byte) tag}, length, content);
    }

    private static byte[] concat(byte[]... parts) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (byte[] part : parts) out.writeBytes(part);
        return out.toByteArray();
    }
}
