package dev.skald.grpc;

import java.time.Duration;

/**
 * What clients can take of the door. Each has a flag, and a status when hit.
 *
 * @param maxMessageBytes         of one request, or of one unary answer; beyond: RESOURCE_EXHAUSTED
 * @param maxHeaderBytes          of one call's metadata; beyond: RESOURCE_EXHAUSTED
 * @param maxConnections          beyond: the new connection is closed
 * @param maxStreamsPerConnection told to the client, which waits; a client that doesn't is refused (REFUSED_STREAM)
 * @param maxCalls                on all connections; beyond: RESOURCE_EXHAUSTED
 * @param maxInboundBytes         of requests that have begun to arrive, all together; beyond: RESOURCE_EXHAUSTED
 * @param maxOutboundBytes        of unary answers that clients have not taken yet, all together; beyond: RESOURCE_EXHAUSTED
 * @param streamBufferBytes       of one stream's events that its client has not taken yet; beyond: RESOURCE_EXHAUSTED
 * @param receiveTimeout          for a request to arrive whole; beyond: DEADLINE_EXCEEDED
 * @param slowReaderTimeout       for a client to take the end of its answer; beyond: the stream is reset as RESOURCE_EXHAUSTED
 * @param handshakeTimeout        for TLS and the HTTP/2 preface
 * @param keepAliveTime           without a sign of a client, until it is pinged
 * @param keepAliveTimeout        for the ping's answer, else the connection is closed
 * @param permitKeepAliveTime     clients may ping this often; more often: GOAWAY (ENHANCE_YOUR_CALM)
 * @param maxConnectionIdle       without a call, until GOAWAY
 * @param maxConnectionAge        until GOAWAY, which lets clients spread anew; streams finish
 * @param maxResetsPerWindow      streams that one connection may reset in {@link #RESET_WINDOW}; beyond: GOAWAY (ENHANCE_YOUR_CALM)
 */
public record DoorLimits(
        int maxMessageBytes,
        int maxHeaderBytes,
        int maxConnections,
        int maxStreamsPerConnection,
        int maxCalls,
        long maxInboundBytes,
        long maxOutboundBytes,
        int streamBufferBytes,
        Duration receiveTimeout,
        Duration slowReaderTimeout,
        Duration handshakeTimeout,
        Duration keepAliveTime,
        Duration keepAliveTimeout,
        Duration permitKeepAliveTime,
        Duration maxConnectionIdle,
        Duration maxConnectionAge,
        int maxResetsPerWindow) {

    /** The time over which resets are counted. */
    public static final Duration RESET_WINDOW = Duration.ofSeconds(10);
    /** Inbound bytes of one stream on their way, at most: the HTTP/2 window. */
    public static final int FLOW_CONTROL_WINDOW_BYTES = 256 << 10;
    /** The transport asks for more to send once a stream has less than this on its way. */
    public static final int READY_THRESHOLD_BYTES = 32 << 10;
    /** Longest sentence in a status: clients accept 8 KiB of trailers. */
    public static final int MAX_STATUS_CHARS = 512;
    /** Standing for "never" in {@link #maxConnectionAge} and {@link #maxConnectionIdle}. */
    public static final Duration NEVER = Duration.ofDays(36_500);

    public static final DoorLimits DEFAULT = new DoorLimits(
            4 << 20, 16 << 10, 1024, 256, 4096, 256L << 20, 256L << 20, 256 << 10,
            Duration.ofSeconds(30), Duration.ofSeconds(30), Duration.ofSeconds(20),
            Duration.ofSeconds(60), Duration.ofSeconds(20), Duration.ofSeconds(10),
            Duration.ofMinutes(30), NEVER, 1024);

    /** @throws IllegalArgumentException naming the limit */
    public DoorLimits {
        positive("maxMessageBytes", maxMessageBytes);
        positive("maxHeaderBytes", maxHeaderBytes);
        positive("maxConnections", maxConnections);
        positive("maxStreamsPerConnection", maxStreamsPerConnection);
        positive("maxCalls", maxCalls);
        positive("maxInboundBytes", maxInboundBytes);
        positive("maxOutboundBytes", maxOutboundBytes);
        positive("streamBufferBytes", streamBufferBytes);
        positive("maxResetsPerWindow", maxResetsPerWindow);
        positive("receiveTimeout", receiveTimeout);
        positive("slowReaderTimeout", slowReaderTimeout);
        positive("handshakeTimeout", handshakeTimeout);
        positive("keepAliveTime", keepAliveTime);
        positive("keepAliveTimeout", keepAliveTimeout);
        positive("permitKeepAliveTime", permitKeepAliveTime);
        positive("maxConnectionIdle", maxConnectionIdle);
        positive("maxConnectionAge", maxConnectionAge);
        if (maxInboundBytes < maxMessageBytes) throw new IllegalArgumentException("maxInboundBytes is less than maxMessageBytes");
        if (maxOutboundBytes < maxMessageBytes) throw new IllegalArgumentException("maxOutboundBytes is less than maxMessageBytes");
    }

    private static void positive(String name, long value) {
        if (value <= 0) throw new IllegalArgumentException(name + " " + value + " is not more than 0");
    }

    private static void positive(String name, Duration value) {
        if (!value.isPositive()) throw new IllegalArgumentException(name + " " + value + " is not more than 0");
    }
}
