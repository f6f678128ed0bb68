package dev.skald.grpc;

import dev.skald.api.v1.GetModelRequest;
import dev.skald.api.v1.GetModelResponse;
import dev.skald.api.v1.ListModelsRequest;
import dev.skald.api.v1.ListModelsResponse;
import dev.skald.api.v1.Model;
import dev.skald.api.v1.ModelsGrpc;
import dev.skald.api.v1.Sampling;
import dev.skald.api.v1.TokenIds;
import dev.skald.sampling.SamplingParams;
import dev.skald.service.InferenceException;
import dev.skald.service.ModelInfo;
import io.grpc.stub.StreamObserver;
import java.util.Optional;
import java.util.function.Supplier;

/** The Models service: one model, or none while it loads. */
final class ModelsService extends ModelsGrpc.ModelsImplBase {
    private final Supplier<Optional<Backend>> backend;

    ModelsService(Supplier<Optional<Backend>> backend) {
        this.backend = backend;
    }

    @Override
    public void listModels(ListModelsRequest request, StreamObserver<ListModelsResponse> out) {
        ListModelsResponse.Builder response = ListModelsResponse.newBuilder();
        backend.get().ifPresent(loaded -> response.addModels(model(loaded.inference().model())));
        out.onNext(response.build());
        out.onCompleted();
    }

    @Override
    public void getModel(GetModelRequest request, StreamObserver<GetModelResponse> out) {
        try {
            ModelInfo info = backend.get().orElseThrow(Door::loading).inference().model();
            new Requests(info).checkModel(request.getName(), "name");
            out.onNext(GetModelResponse.newBuilder().setModel(model(info)).build());
            out.onCompleted();
        } catch (InferenceException e) {
            DoorCall.current().refuse(e);
        }
    }

    private static Model model(ModelInfo info) {
        return Model.newBuilder()
                .setName(info.name())
                .setFamily(info.family())
                .setParameters(info.parameters())
                .setDtype(info.dtype())
                .setContextLength(info.contextLength())
                .setVocabularySize(info.vocabularySize())
                .setDefaults(sampling(info.defaults()))
                .setHasTemplate(info.hasTemplate())
                .setFingerprint(info.fingerprint())
                .build();
    }

    private static Sampling sampling(SamplingParams params) {
        Sampling.Builder sampling = Sampling.newBuilder()
                .setTemperature(params.temperature())
                .setTopK(params.topK())
                .setTopP(params.topP())
                .setMinP(params.minP())
                .setRepetitionPenalty(params.repetitionPenalty())
                .setPresencePenalty(params.presencePenalty())
                .setFrequencyPenalty(params.frequencyPenalty())
                .putAllLogitBias(params.logitBias())
                .addAllAllowedIds(params.allowedIds());
        params.bannedSequences().forEach(banned -> sampling.addBannedSequences(TokenIds.newBuilder().addAllIds(banned)));
        return sampling.build();
    }
}
