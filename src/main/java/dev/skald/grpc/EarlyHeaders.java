package dev.skald.grpc;

import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.ServerMethodDefinition;
import io.grpc.ServerServiceDefinition;
import io.grpc.ServiceDescriptor;

/**
 * Lets calls that answer once send their headers when the request is admitted. gRPC holds the headers of such calls back until there is a
 * message; declared as streams of one message, which look the same on the wire, it doesn't.
 */
final class EarlyHeaders {
    private EarlyHeaders() {}

    static ServerServiceDefinition of(ServerServiceDefinition service) {
        ServiceDescriptor old = service.getServiceDescriptor();
        ServiceDescriptor.Builder descriptor = ServiceDescriptor.newBuilder(old.getName()).setSchemaDescriptor(old.getSchemaDescriptor());
        old.getMethods().forEach(method -> descriptor.addMethod(streaming(method)));
        ServiceDescriptor built = descriptor.build();
        ServerServiceDefinition.Builder definition = ServerServiceDefinition.builder(built);
        service.getMethods().forEach(method -> definition.addMethod(streaming(method, built)));
        return definition.build();
    }

    private static <Q, R> ServerMethodDefinition<Q, R> streaming(ServerMethodDefinition<Q, R> method, ServiceDescriptor in) {
        String name = method.getMethodDescriptor().getFullMethodName();
        @SuppressWarnings("unchecked") // made from this very method
        MethodDescriptor<Q, R> descriptor = (MethodDescriptor<Q, R>)
                in.getMethods().stream().filter(candidate -> candidate.getFullMethodName().equals(name)).findFirst().orElseThrow();
        return ServerMethodDefinition.create(descriptor, method.getServerCallHandler());
    }

    private static <Q, R> MethodDescriptor<Q, R> streaming(MethodDescriptor<Q, R> method) {
        return method.getType() == MethodType.UNARY ? method.toBuilder().setType(MethodType.SERVER_STREAMING).build() : method;
    }
}
