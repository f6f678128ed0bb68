package dev.skald.grpc;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Where the door stands and how wide it opens.
 *
 * @param host               name or address to listen on
 * @param port               0 picks one
 * @param adminPort          on loopback, always; 0 picks one; empty: no Admin service
 * @param tls                empty: plaintext
 * @param limits             what clients can take
 * @param allowUnknownFields serve requests with fields that this release doesn't know, leaving those out
 * @param logPrompts         write prompts into the log, cut to a line
 */
public record DoorConfig(
        String host, int port, OptionalInt adminPort, Optional<TlsFiles> tls, DoorLimits limits, boolean allowUnknownFields, boolean logPrompts) {

    /** @throws IllegalArgumentException naming the port that is none */
    public DoorConfig {
        checkPort("port", port);
        adminPort.ifPresent(admin -> checkPort("admin port", admin));
    }

    /** Plaintext on loopback, any free port, no Admin service. */
    public static DoorConfig loopback() {
        return new DoorConfig("127.0.0.1", 0, OptionalInt.empty(), Optional.empty(), DoorLimits.DEFAULT, false, false);
    }

    public DoorConfig with(DoorLimits other) {
        return new DoorConfig(host, port, adminPort, tls, other, allowUnknownFields, logPrompts);
    }

    /** Whether others than this machine could listen in: plaintext on an address that isn't loopback. Worth a warning at start. */
    public boolean exposed() throws UnknownHostException {
        return tls.isEmpty() && !InetAddress.getByName(host).isLoopbackAddress();
    }

    private static void checkPort(String name, int port) {
        if (port < 0 || port > 65_535) throw new IllegalArgumentException(name + " " + port + " is outside [0, 65535]");
    }
}
