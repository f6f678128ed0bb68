package dev.skald.grpc;

import dev.skald.api.v1.GenerateStreamRequest;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;

/** As little HTTP/2 as it takes to misbehave: no window is ever granted, no SETTINGS or PING acknowledged, unless a test does. */
final class RawHttp2 implements AutoCloseable {
    static final int DATA = 0;
    static final int HEADERS = 1;
    static final int RST_STREAM = 3;
    static final int SETTINGS = 4;
    static final int PING = 6;
    static final int GOAWAY = 7;
    static final int WINDOW_UPDATE = 8;
    static final int CONTINUATION = 9;
    static final int END_STREAM = 1;
    static final int END_HEADERS = 4;
    static final int ENHANCE_YOUR_CALM = 0xb;

    private static final byte[] PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(StandardCharsets.US_ASCII);

    /** Of what the server sent. {@code error} is the code of RST_STREAM or GOAWAY, else −1. */
    record Frame(int type, int flags, int stream, int length, long error) {}

    private final Socket socket;
    private final OutputStream out;
    private final BlockingQueue<Frame> frames = new LinkedBlockingQueue<>();
    private volatile boolean closedByServer;

    private RawHttp2(Socket socket) throws IOException {
        this.socket = socket;
        this.out = socket.getOutputStream();
        Thread.ofVirtual().start(this::read);
    }

    /** Connects with an empty SETTINGS: initial windows of 65,535 bytes. */
    static RawHttp2 connect(int port) throws IOException {
        return connect(port, -1);
    }

    /** @param initialWindow of each stream; −1: the protocol's default */
    static RawHttp2 connect(int port, int initialWindow) throws IOException {
        RawHttp2 client = new RawHttp2(new Socket(InetAddress.getLoopbackAddress(), port));
        client.out.write(PREFACE);
        byte[] settings = initialWindow < 0 ? new byte[0] : ByteBuffer.allocate(6).putShort((short) 4).putInt(initialWindow).array();
        client.frame(SETTINGS, 0, 0, settings);
        return client;
    }

    synchronized void frame(int type, int flags, int stream, byte[] payload) throws IOException {
        ByteBuffer header = ByteBuffer.allocate(9);
        header.put((byte) (payload.length >> 16)).putShort((short) payload.length).put((byte) type).put((byte) flags).putInt(stream);
        byte[] whole = new byte[9 + payload.length];
        System.arraycopy(header.array(), 0, whole, 0, 9);
        System.arraycopy(payload, 0, whole, 9, payload.length);
        out.write(whole);
    }

    /** Opens a stream: HEADERS of a call. */
    void headers(int stream, String path, List<String> extra) throws IOException {
        ByteArrayOutputStream block = new ByteArrayOutputStream();
        literal(block, ":method", "POST");
        literal(block, ":scheme", "http");
        literal(block, ":path", path);
        literal(block, ":authority", "localhost");
        literal(block, "content-type", "application/grpc");
        literal(block, "te", "trailers");
        for (int i = 0; i < extra.size(); i += 2) literal(block, extra.get(i), extra.get(i + 1));
        frame(HEADERS, END_HEADERS, stream, block.toByteArray());
    }

    void startGenerateStream(int stream, String prompt) throws IOException {
        headers(stream, "/skald.v1.Inference/GenerateStream", List.of());
        frame(DATA, END_STREAM, stream, grpcMessage(GenerateStreamRequest.newBuilder().setText(prompt).build().toByteArray()));
    }

    void grantWindow(int stream, int bytes) throws IOException {
        frame(WINDOW_UPDATE, 0, stream, ByteBuffer.allocate(4).putInt(bytes).array());
    }

    static byte[] grpcMessage(byte[] message) {
        return ByteBuffer.allocate(5 + message.length).put((byte) 0).putInt(message.length).put(message).array();
    }

    /** HPACK: a literal field that isn't indexed, no Huffman code. */
    static void literal(ByteArrayOutputStream block, String name, String value) {
        block.write(0);
        string(block, name);
        string(block, value);
    }

    private static void string(ByteArrayOutputStream block, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
        if (bytes.length < 127) {
            block.write(bytes.length);
        } else {
            block.write(127);
            int rest = bytes.length - 127;
            while (rest >= 128) {
                block.write(rest % 128 + 128);
                rest /= 128;
            }
            block.write(rest);
        }
        block.writeBytes(bytes);
    }

    private void read() {
        try {
            DataInputStream in = new DataInputStream(socket.getInputStream());
            while (true) {
                int length = in.readUnsignedByte() << 16 | in.readUnsignedShort();
                int type = in.readUnsignedByte();
                int flags = in.readUnsignedByte();
                int stream = in.readInt() & 0x7fffffff;
                byte[] payload = in.readNBytes(length);
                long error = switch (type) {
                    case RST_STREAM -> ByteBuffer.wrap(payload).getInt();
                    case GOAWAY -> ByteBuffer.wrap(payload).getInt(4);
                    default -> -1;
                };
                frames.add(new Frame(type, flags, stream, length, error));
            }
        } catch (IOException e) {
            closedByServer = true;
        }
    }

    /** The first frame that fits; those before it are gone. */
    Frame await(Predicate<Frame> wanted) throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        while (System.nanoTime() < end) {
            Frame frame = frames.poll(50, TimeUnit.MILLISECONDS);
            if (frame != null && wanted.test(frame)) return frame;
        }
        throw new AssertionError("no such frame; closed by server: " + closedByServer);
    }

    boolean closedByServer() {
        return closedByServer;
    }

    /** Bytes of DATA that arrived and were not awaited. */
    long dataBytes() {
        return frames.stream().filter(frame -> frame.type() == DATA).mapToLong(Frame::length).sum();
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
