package dev.skald.cli;

import dev.skald.grpc.DoorLimits;
import java.time.Duration;
import picocli.CommandLine.Option;

/** What clients of the daemon can take of it. */
final class DoorLimitFlags {
    private static final DoorLimits D = DoorLimits.DEFAULT;

    @Option(names = "--max-message-bytes", paramLabel = "N", converter = Converters.Bytes.class,
            description = "Of one request, or of one unary answer (default: 4MiB).")
    long maxMessageBytes = D.maxMessageBytes();

    @Option(names = "--max-header-bytes", paramLabel = "N", converter = Converters.Bytes.class,
            description = "Of one call's metadata (default: 16KiB).")
    long maxHeaderBytes = D.maxHeaderBytes();

    @Option(names = "--max-connections", paramLabel = "N", description = "Further ones are closed at once (default: 1024).")
    int maxConnections = D.maxConnections();

    @Option(names = "--max-streams-per-connection", paramLabel = "N", description = "Calls at a time on one connection (default: 256).")
    int maxStreamsPerConnection = D.maxStreamsPerConnection();

    @Option(names = "--max-calls", paramLabel = "N", description = "Calls at a time on all connections (default: 4096).")
    int maxCalls = D.maxCalls();

    @Option(names = "--max-inbound-bytes", paramLabel = "N", converter = Converters.Bytes.class,
            description = "Of requests that are still arriving, all together (default: 256MiB).")
    long maxInboundBytes = D.maxInboundBytes();

    @Option(names = "--max-outbound-bytes", paramLabel = "N", converter = Converters.Bytes.class,
            description = "Of unary answers that clients have not taken yet, all together (default: 256MiB).")
    long maxOutboundBytes = D.maxOutboundBytes();

    @Option(names = "--stream-buffer-bytes", paramLabel = "N", converter = Converters.Bytes.class,
            description = "Of one stream's events that its client has not taken yet (default: 256KiB).")
    long streamBufferBytes = D.streamBufferBytes();

    @Option(names = "--receive-timeout", paramLabel = "S", converter = Converters.Seconds.class,
            description = "Seconds that a request has to arrive whole (default: 30).")
    Duration receiveTimeout = D.receiveTimeout();

    @Option(names = "--handshake-timeout", paramLabel = "S", converter = Converters.Seconds.class,
            description = "Seconds for TLS and the first HTTP/2 frames (default: 20).")
    Duration handshakeTimeout = D.handshakeTimeout();

    @Option(names = "--keep-alive-time", paramLabel = "S", converter = Converters.Seconds.class,
            description = "Seconds without a sign of a client until it is pinged (default: 60).")
    Duration keepAliveTime = D.keepAliveTime();

    @Option(names = "--keep-alive-timeout", paramLabel = "S", converter = Converters.Seconds.class,
            description = "Seconds that the ping's answer may take (default: 20).")
    Duration keepAliveTimeout = D.keepAliveTimeout();

    @Option(names = "--permit-keep-alive-time", paramLabel = "S", converter = Converters.Seconds.class,
            description = "Clients may ping once in so many seconds (default: 10).")
    Duration permitKeepAliveTime = D.permitKeepAliveTime();

    @Option(names = "--max-connection-idle", paramLabel = "S", converter = Converters.Seconds.class,
            description = "Seconds without a call until a connection is ended (default: 1800).")
    Duration maxConnectionIdle = D.maxConnectionIdle();

    @Option(names = "--max-connection-age", paramLabel = "S", converter = Converters.Seconds.class,
            description = "Seconds until a connection is ended, its streams finishing (default: never).")
    Duration maxConnectionAge;

    @Option(names = "--max-resets", paramLabel = "N",
            description = "Streams that one connection may reset in 10 seconds (default: 1024).")
    int maxResetsPerWindow = D.maxResetsPerWindow();

    /** @throws IllegalArgumentException naming a limit that is out of its range */
    DoorLimits limits(Duration slowReaderTimeout) {
        return new DoorLimits(
                bytes("--max-message-bytes", maxMessageBytes),
                bytes("--max-header-bytes", maxHeaderBytes),
                maxConnections,
                maxStreamsPerConnection,
                maxCalls,
                maxInboundBytes,
                maxOutboundBytes,
                bytes("--stream-buffer-bytes", streamBufferBytes),
                receiveTimeout,
                slowReaderTimeout,
                handshakeTimeout,
                keepAliveTime,
                keepAliveTimeout,
                permitKeepAliveTime,
                maxConnectionIdle,
                maxConnectionAge == null ? DoorLimits.NEVER : maxConnectionAge,
                maxResetsPerWindow);
    }

    private static int bytes(String flag, long value) {
        if (value > Integer.MAX_VALUE) throw CliException.askedWrongly(flag + " " + value + " is more than " + Integer.MAX_VALUE);
        return (int) value;
    }
}
