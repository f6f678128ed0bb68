package dev.skald.grpc;

import io.netty.channel.Channel;
import io.netty.channel.ChannelFactory;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ServerChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.codec.http2.Http2ConnectionHandler;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Counts connections, closes those beyond the limit at once, and knows which stream of which connection is just being opened: gRPC says
 * neither. Event loops call it.
 */
final class ConnectionGate {
    /** The connection whose bytes this event loop reads at the moment. */
    private static final ThreadLocal<Channel> READING = new ThreadLocal<>();

    private final int maxConnections;
    private final AtomicInteger open = new AtomicInteger();

    ConnectionGate(int maxConnections) {
        this.maxConnections = maxConnections;
    }

    int openConnections() {
        return open.get();
    }

    ChannelFactory<ServerChannel> channelFactory() {
        return GatedServerSocketChannel::new;
    }

    /** The stream whose headers this thread is reading; empty on any other thread. */
    static Optional<StreamRef> streamBeingOpened() {
        Channel channel = READING.get();
        if (channel == null) return Optional.empty();
        Http2ConnectionHandler handler = channel.pipeline().get(Http2ConnectionHandler.class);
        if (handler == null) return Optional.empty();
        return Optional.of(new StreamRef(channel, handler.connection().remote().lastStreamCreated()));
    }

    private final class GatedServerSocketChannel extends NioServerSocketChannel {
        @Override
        protected int doReadMessages(List<Object> accepted) throws Exception {
            int before = accepted.size();
            int count = super.doReadMessages(accepted);
            for (int i = accepted.size() - 1; i >= before; i--) {
                Channel channel = (Channel) accepted.get(i);
                if (open.incrementAndGet() > maxConnections) {
                    open.decrementAndGet();
                    accepted.remove(i);
                    channel.unsafe().closeForcibly();
                } else {
                    channel.closeFuture().addListener(closed -> open.decrementAndGet());
                    channel.pipeline().addLast(new ReadMark());
                }
            }
            return count;
        }
    }

    /** First in the pipeline: everything read from a connection passes it, and is decoded before it returns. */
    private static final class ReadMark extends ChannelInboundHandlerAdapter {
        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            READING.set(context.channel());
            try {
                context.fireChannelRead(message);
            } finally {
                READING.remove();
            }
        }
    }
}
