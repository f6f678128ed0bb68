package dev.skald.client;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ForwardingClientCall;
import io.grpc.ForwardingClientCallListener;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;

/** Puts into words what kept a call from its daemon, with the daemon's address: the transport's own words ("io exception") name neither. */
final class Reach implements ClientInterceptor {
    private static final Metadata.Key<byte[]> DETAILS = Metadata.Key.of("grpc-status-details-bin", Metadata.BINARY_BYTE_MARSHALLER);

    private final String target;

    /** @param target HOST:PORT */
    Reach(String target) {
        this.target = target;
    }

    @Override
    public <Q, R> ClientCall<Q, R> interceptCall(MethodDescriptor<Q, R> method, CallOptions options, Channel next) {
        return new ForwardingClientCall.SimpleForwardingClientCall<>(next.newCall(method, options)) {
            @Override
            public void start(Listener<R> listener, Metadata headers) {
                super.start(new Watching<>(listener), headers);
            }
        };
    }

    private final class Watching<R> extends ForwardingClientCallListener.SimpleForwardingClientCallListener<R> {
        /** Whether the daemon has said anything. */
        private boolean heard;

        Watching(ClientCall.Listener<R> listener) {
            super(listener);
        }

        @Override
        public void onHeaders(Metadata headers) {
            heard = true;
            super.onHeaders(headers);
        }

        @Override
        public void onClose(Status status, Metadata trailers) {
            super.onClose(trailers.containsKey(DETAILS) ? status : inWords(status, heard), trailers);
        }
    }

    /** Of a status that the daemon did not give itself. @param heard whether it had begun to answer */
    Status inWords(Status status, boolean heard) {
        return switch (status.getCode()) {
            case UNAVAILABLE -> Status.UNAVAILABLE.withDescription((heard ? "lost " : "can't reach ") + target + ": " + reason(status));
            case DEADLINE_EXCEEDED -> heard ? status : Status.DEADLINE_EXCEEDED.withDescription(target + " has not answered in time");
            default -> status;
        };
    }

    private static String reason(Status status) {
        Throwable root = status.getCause();
        if (root == null) return status.getDescription() == null ? "no reason is known" : status.getDescription().lines().findFirst().orElse("");
        while (root.getCause() != null) root = root.getCause();
        return root.getMessage() == null ? root.getClass().getSimpleName() : root.getMessage();
    }
}
