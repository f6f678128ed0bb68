package dev.skald.grpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Duration;
import dev.skald.api.v1.AbortRequest;
import dev.skald.api.v1.AdminGrpc;
import dev.skald.api.v1.DrainRequest;
import dev.skald.api.v1.FlushPrefixCacheRequest;
import dev.skald.api.v1.GenerateRequest;
import dev.skald.api.v1.GenerateStreamRequest;
import dev.skald.api.v1.GetLoadRequest;
import dev.skald.api.v1.GetModelRequest;
import dev.skald.api.v1.GetServerInfoRequest;
import dev.skald.api.v1.InferenceGrpc;
import dev.skald.api.v1.Limit;
import dev.skald.api.v1.ListModelsRequest;
import dev.skald.api.v1.ModelsGrpc;
import dev.skald.api.v1.RequestOptions;
import dev.skald.api.v1.ServerGrpc;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Models, Server and Admin. */
class OperatorsTest {
    private DoorFixture fixture;

    @BeforeEach
    void open() throws Exception {
        fixture = new DoorFixture(new DoorConfig("127.0.0.1", 0, OptionalInt.of(0), Optional.empty(), DoorLimits.DEFAULT, false, false));
    }

    @AfterEach
    void close() {
        fixture.close();
    }

    @Test
    void theModelIsDescribed() {
        var stub = ModelsGrpc.newBlockingStub(fixture.channel());
        var model = stub.getModel(GetModelRequest.newBuilder().setName("scripted").build()).getModel();
        assertEquals("scripted", model.getName());
        assertEquals(4096, model.getContextLength());
        assertEquals(ScriptedInference.VOCABULARY, model.getVocabularySize());
        assertEquals(0.5f, model.getDefaults().getTemperature());
        assertFalse(model.getDefaults().hasN());
        assertEquals(ScriptedInference.FINGERPRINT, model.getFingerprint());
        assertEquals(model, stub.listModels(ListModelsRequest.getDefaultInstance()).getModels(0));
        StatusRuntimeException e = assertThrows(StatusRuntimeException.class, () -> stub.getModel(GetModelRequest.newBuilder().setName("x").build()));
        assertEquals(Status.Code.NOT_FOUND, e.getStatus().getCode());
    }

    @Test
    void theServerTellsWhatItIsAndHowBusy() {
        var stub = ServerGrpc.newBlockingStub(fixture.channel());
        var info = stub.getServerInfo(GetServerInfoRequest.getDefaultInstance());
        assertEquals("v1", info.getApiVersion());
        assertEquals("instance-7", info.getInstanceId());
        var limits = info.getLimitsList().stream().collect(Collectors.toMap(Limit::getName, Limit::getValue));
        assertEquals(4096, limits.get("max_model_len"));
        assertEquals(4 << 20, limits.get("max_message_bytes"));
        var load = stub.getLoad(GetLoadRequest.getDefaultInstance());
        assertEquals(77, load.getQueuedPrefillTokens());
        assertEquals(5, load.getKvBlocksUsed());
        assertEquals(120.5, load.getPrefillTokensPerSecond());
        assertFalse(load.hasDecodeTokensPerSecond(), "not measured yet");
    }

    @Test
    void adminIsOnlyOnItsOwnPort() {
        StatusRuntimeException e = assertThrows(StatusRuntimeException.class,
                () -> AdminGrpc.newBlockingStub(fixture.channel()).flushPrefixCache(FlushPrefixCacheRequest.getDefaultInstance()));
        assertEquals(Status.Code.UNIMPLEMENTED, e.getStatus().getCode());
        assertEquals(6, AdminGrpc.newBlockingStub(fixture.adminChannel()).flushPrefixCache(FlushPrefixCacheRequest.getDefaultInstance()).getFreedBlocks());
    }

    @Test
    void anAbortedRequestEndsAsAborted() throws Exception {
        fixture.inference.script = run -> {
            run.admit();
            run.start();
            run.awaitCancelled();
        };
        DoorFixture.ManualStream stream = new DoorFixture.ManualStream();
        InferenceGrpc.newStub(fixture.channel()).generateStream(GenerateStreamRequest.newBuilder().setText("x")
                .setOptions(RequestOptions.newBuilder().setRequestId("victim")).build(), stream);
        assertTrue(stream.next().hasStarted());
        var aborted = AdminGrpc.newBlockingStub(fixture.adminChannel()).abort(AbortRequest.newBuilder().addRequestIds("nobody").addRequestIds("victim").build());
        assertEquals(java.util.List.of("victim"), aborted.getAbortedIdsList());
        stream.call.request(1);
        assertEquals(Status.Code.ABORTED, stream.status().getCode());
    }

    @Test
    void anAbortOfTenTimesTheIdsItMayHaveEndsNoRequest() {
        AbortRequest flood = AbortRequest.newBuilder().addAllRequestIds(java.util.Collections.nCopies(10 * AdminService.MAX_ABORTED_IDS, "victim")).build();
        StatusRuntimeException e = assertThrows(StatusRuntimeException.class, () -> AdminGrpc.newBlockingStub(fixture.adminChannel()).abort(flood));
        assertEquals(Status.Code.INVALID_ARGUMENT, e.getStatus().getCode(), e.getMessage());
        assertTrue(e.getMessage().contains("request_ids"), e.getMessage());
    }

    @Test
    void adminDrainStopsNewWorkAndLetsTheRestFinish() throws Exception {
        CountDownLatch go = new CountDownLatch(1);
        fixture.inference.script = run -> {
            run.admit();
            run.start();
            go.await();
            run.finish(0, dev.skald.schedule.FinishReason.EOS);
            run.complete(0);
        };
        DoorFixture.ManualStream stream = new DoorFixture.ManualStream();
        InferenceGrpc.newStub(fixture.channel()).generateStream(GenerateStreamRequest.newBuilder().setText("x").build(), stream);
        assertTrue(stream.next().hasStarted());
        var admin = AdminGrpc.newBlockingStub(fixture.adminChannel());
        assertEquals(1, admin.drain(DrainRequest.getDefaultInstance()).getRemaining());
        assertTrue(fixture.inference.drained);
        StatusRuntimeException e = assertThrows(StatusRuntimeException.class,
                () -> fixture.stub().generate(GenerateRequest.newBuilder().setText("x").build()));
        assertEquals(Status.Code.UNAVAILABLE, e.getStatus().getCode());
        go.countDown();
        assertTrue(stream.next().hasFinished());
        assertTrue(stream.next().hasCompleted());
        stream.call.request(1);
        assertEquals(Status.Code.OK, stream.status().getCode());
        assertEquals(0, admin.drain(DrainRequest.newBuilder().setWait(Duration.newBuilder().setSeconds(20)).build()).getRemaining());
    }
}
