package dev.skald.grpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.skald.api.health.v1.HealthCheckResponse.ServingStatus;
import dev.skald.api.health.v1.HealthListRequest;
import dev.skald.service.Health;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.reflection.v1.ServerReflectionGrpc;
import io.grpc.reflection.v1.ServerReflectionRequest;
import io.grpc.reflection.v1.ServerReflectionResponse;
import io.grpc.stub.StreamObserver;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Health and reflection, asked by the standard's own stubs. */
class HealthTest {
    private DoorFixture fixture;

    @BeforeEach
    void open() throws Exception {
        fixture = new DoorFixture();
    }

    @AfterEach
    void close() {
        fixture.close();
    }

    @Test
    void readyAndAliveAreTwoQuestions() {
        assertEquals(List.of("SERVING", "SERVING", "SERVING"), ask());
        fixture.inference.health = Health.LOADING;
        assertEquals(List.of("NOT_SERVING", "NOT_SERVING", "SERVING"), ask());
        fixture.inference.health = Health.DEAD;
        assertEquals(List.of("NOT_SERVING", "NOT_SERVING", "NOT_SERVING"), ask());
    }

    private List<String> ask() {
        var stub = HealthGrpc.newBlockingStub(fixture.channel()).withDeadlineAfter(20, TimeUnit.SECONDS);
        return List.of("", "skald.v1.Inference", "skald.live").stream()
                .map(service -> stub.check(HealthCheckRequest.newBuilder().setService(service).build()).getStatus().name()).toList();
    }

    @Test
    void beforeTheModelIsThereItIsAliveAndNotReady() throws Exception {
        try (Door door = Door.open(DoorConfig.loopback())) {
            var channel = io.grpc.netty.NettyChannelBuilder.forAddress("127.0.0.1", door.port()).usePlaintext().build();
            var stub = HealthGrpc.newBlockingStub(channel);
            assertEquals(HealthCheckResponse.ServingStatus.NOT_SERVING, stub.check(HealthCheckRequest.getDefaultInstance()).getStatus());
            assertEquals(HealthCheckResponse.ServingStatus.SERVING,
                    stub.check(HealthCheckRequest.newBuilder().setService("skald.live").build()).getStatus());
            channel.shutdownNow();
        }
    }

    @Test
    void anUnknownServiceIsNotFound() {
        StatusRuntimeException e = assertThrows(StatusRuntimeException.class, () -> HealthGrpc.newBlockingStub(fixture.channel())
                .check(HealthCheckRequest.newBuilder().setService("other").build()));
        assertEquals(Status.Code.NOT_FOUND, e.getStatus().getCode());
    }

    @Test
    void aWatcherIsToldOfChanges() {
        Iterator<HealthCheckResponse> watch = HealthGrpc.newBlockingStub(fixture.channel()).withDeadlineAfter(20, TimeUnit.SECONDS)
                .watch(HealthCheckRequest.newBuilder().setService("skald.v1.Inference").build());
        assertEquals(HealthCheckResponse.ServingStatus.SERVING, watch.next().getStatus());
        fixture.inference.health = Health.LOADING;
        assertEquals(HealthCheckResponse.ServingStatus.NOT_SERVING, watch.next().getStatus());
        fixture.inference.health = Health.SERVING;
        assertEquals(HealthCheckResponse.ServingStatus.SERVING, watch.next().getStatus());
        Iterator<HealthCheckResponse> other = HealthGrpc.newBlockingStub(fixture.channel()).withDeadlineAfter(20, TimeUnit.SECONDS)
                .watch(HealthCheckRequest.newBuilder().setService("other").build());
        assertEquals(HealthCheckResponse.ServingStatus.SERVICE_UNKNOWN, other.next().getStatus());
    }

    @Test
    void allStatusesAreListed() {
        var statuses = dev.skald.api.health.v1.HealthGrpc.newBlockingStub(fixture.channel()).list(HealthListRequest.getDefaultInstance()).getStatusesMap();
        assertEquals(java.util.Set.of("", "skald.v1.Inference", "skald.live"), statuses.keySet());
        assertEquals(ServingStatus.SERVING, statuses.get("skald.live").getStatus());
    }

    @Test
    void reflectionListsTheServicesAndHandsOutTheApi() throws Exception {
        List<String> services = reflect(ServerReflectionRequest.newBuilder().setListServices("").build())
                .getListServicesResponse().getServiceList().stream().map(service -> service.getName()).toList();
        assertTrue(services.containsAll(List.of("skald.v1.Inference", "skald.v1.Models", "skald.v1.Server", "grpc.health.v1.Health",
                "grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection")), services.toString());
        assertFalse(services.contains("skald.v1.Admin"), "the admin service is not for the public port");
        var files = reflect(ServerReflectionRequest.newBuilder().setFileContainingSymbol("skald.v1.Inference.GenerateStream").build())
                .getFileDescriptorResponse();
        assertTrue(files.getFileDescriptorProtoCount() >= 1);
        var health = reflect(ServerReflectionRequest.newBuilder().setFileContainingSymbol("grpc.health.v1.HealthListResponse").build());
        assertTrue(health.hasFileDescriptorResponse(), health.toString());
    }

    @Test
    @SuppressWarnings("deprecation")
    void reflectionSpeaksTheOldVersionToo() throws Exception {
        BlockingQueue<io.grpc.reflection.v1alpha.ServerReflectionResponse> answers = new LinkedBlockingQueue<>();
        var requests = io.grpc.reflection.v1alpha.ServerReflectionGrpc.newStub(fixture.channel()).serverReflectionInfo(queue(answers));
        requests.onNext(io.grpc.reflection.v1alpha.ServerReflectionRequest.newBuilder().setListServices("").build());
        requests.onCompleted();
        assertTrue(answers.poll(20, TimeUnit.SECONDS).getListServicesResponse().getServiceCount() >= 6);
    }

    private ServerReflectionResponse reflect(ServerReflectionRequest request) throws InterruptedException {
        BlockingQueue<ServerReflectionResponse> answers = new LinkedBlockingQueue<>();
        StreamObserver<ServerReflectionRequest> requests = ServerReflectionGrpc.newStub(fixture.channel()).serverReflectionInfo(queue(answers));
        requests.onNext(request);
        requests.onCompleted();
        return answers.poll(20, TimeUnit.SECONDS);
    }

    private static <T> StreamObserver<T> queue(BlockingQueue<T> into) {
        return new StreamObserver<>() {
            @Override
            public void onNext(T value) {
                into.add(value);
            }

            @Override
            public void onError(Throwable t) {}

            @Override
            public void onCompleted() {}
        };
    }
}
