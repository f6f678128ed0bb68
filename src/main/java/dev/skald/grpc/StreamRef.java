package dev.skald.grpc;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http2.Http2ConnectionHandler;
import io.netty.handler.codec.http2.Http2Error;

/** One HTTP/2 stream of a connection. */
record StreamRef(Channel channel, int streamId) {
    /**
     * Ends the stream at once and drops what still waits for its window. Needed because trailers queue behind data: a client that grants no
     * window would never see them. gRPC clients read this code as RESOURCE_EXHAUSTED. Any thread; without effect on a closed stream.
     */
    void resetAsExhausted() {
        channel.eventLoop().execute(() -> {
            Http2ConnectionHandler handler = channel.pipeline().get(Http2ConnectionHandler.class);
            ChannelHandlerContext context = channel.pipeline().context(Http2ConnectionHandler.class);
            if (handler == null || context == null || handler.connection().stream(streamId) == null) return;
            handler.resetStream(context, streamId, Http2Error.ENHANCE_YOUR_CALM.code(), context.newPromise());
            context.flush();
        });
    }
}
