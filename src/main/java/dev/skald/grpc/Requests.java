package dev.skald.grpc;

import dev.skald.api.v1.ChatRequest;
import dev.skald.api.v1.ChatStreamRequest;
import dev.skald.api.v1.Constraint;
import dev.skald.api.v1.GenerateRequest;
import dev.skald.api.v1.GenerateStreamRequest;
import dev.skald.api.v1.Output;
import dev.skald.api.v1.RequestOptions;
import dev.skald.api.v1.Sampling;
import dev.skald.api.v1.ScoreContinuationsRequest;
import dev.skald.api.v1.Stopping;
import dev.skald.service.InferenceException;
import dev.skald.service.InferenceRequest;
import dev.skald.service.ModelInfo;
import dev.skald.service.Prompt;
import dev.skald.service.ScoreRequest;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;

/** From the API's words to the service's, with everything checked that can be without the model. Pure. */
final class Requests {
    private final ModelInfo model;

    Requests(ModelInfo model) {
        this.model = model;
    }

    /** @throws InferenceException with the path of the field at fault, like every method here */
    InferenceRequest generate(GenerateRequest request, String id, OptionalLong deadlineNanos) {
        Prompt prompt = switch (request.getPromptCase()) {
            case TEXT -> text(request.getText());
            case TOKEN_IDS -> ids(request.getTokenIds().getIdsList());
            case PROMPT_NOT_SET -> throw noPrompt();
        };
        return whole(id, request.getOptions(), prompt, request.getSampling(), request.getStopping(), request.getConstraint(), request.getOutput(),
                deadlineNanos, true);
    }

    InferenceRequest generate(GenerateStreamRequest request, String id, OptionalLong deadlineNanos) {
        Prompt prompt = switch (request.getPromptCase()) {
            case TEXT -> text(request.getText());
            case TOKEN_IDS -> ids(request.getTokenIds().getIdsList());
            case PROMPT_NOT_SET -> throw noPrompt();
        };
        return whole(id, request.getOptions(), prompt, request.getSampling(), request.getStopping(), request.getConstraint(), request.getOutput(),
                deadlineNanos, false);
    }

    InferenceRequest chat(ChatRequest request, String id, OptionalLong deadlineNanos) {
        ChatPrompts.refuseTools(request.getToolsCount(), request.hasToolChoice());
        Prompt prompt = ChatPrompts.prompt(request.getMessagesList(), request.getTemplateArgsJson(), request.getContinueFinal());
        return whole(id, request.getOptions(), prompt, request.getSampling(), request.getStopping(), request.getConstraint(), request.getOutput(),
                deadlineNanos, true);
    }

    InferenceRequest chat(ChatStreamRequest request, String id, OptionalLong deadlineNanos) {
        ChatPrompts.refuseTools(request.getToolsCount(), request.hasToolChoice());
        Prompt prompt = ChatPrompts.prompt(request.getMessagesList(), request.getTemplateArgsJson(), request.getContinueFinal());
        return whole(id, request.getOptions(), prompt, request.getSampling(), request.getStopping(), request.getConstraint(), request.getOutput(),
                deadlineNanos, false);
    }

    ScoreRequest score(ScoreContinuationsRequest request, String id, OptionalLong deadlineNanos) {
        RequestOptions options = request.getOptions();
        checkModel(options.getModel(), "options.model");
        Prompt prompt = switch (request.getPromptCase()) {
            case TEXT -> new Prompt.Text(request.getText());
            case TOKEN_IDS -> ids(request.getTokenIds().getIdsList());
            case PROMPT_NOT_SET -> throw noPrompt();
        };
        List<Prompt> continuations = new ArrayList<>();
        for (int i = 0; i < request.getContinuationsCount(); i++) {
            var continuation = request.getContinuations(i);
            String path = "continuations[" + i + "]";
            continuations.add(switch (continuation.getContentCase()) {
                case TEXT -> new Prompt.Text(continuation.getText());
                case TOKEN_IDS -> {
                    checkIds(path + ".token_ids.ids", continuation.getTokenIds().getIdsList());
                    yield new Prompt.TokenIds(continuation.getTokenIds().getIdsList());
                }
                case CONTENT_NOT_SET -> throw InferenceException.invalid("EMPTY_CONTINUATION", path, path + " is neither text nor token ids");
            });
        }
        return Fields.at("", () -> new ScoreRequest(
                id, prompt, continuations, options.getPriority(), Fields.queueTimeout(options), deadlineNanos, options.getCache().getSalt(),
                options.getCache().getBypass()));
    }

    /** @throws InferenceException NOT_FOUND unless {@code name} is empty or the served model's */
    void checkModel(String name, String path) {
        if (name.isEmpty() || name.equals(model.name())) return;
        String message = "model " + Fields.quote(name) + " is not served here; " + Fields.quote(model.name()) + " is";
        throw new InferenceException(InferenceException.Kind.NOT_FOUND, "MODEL_NOT_FOUND", path, message, java.util.Optional.empty());
    }

    void checkIds(String path, List<Integer> ids) {
        for (int i = 0; i < ids.size(); i++) checkId(path + "[" + i + "]", ids.get(i));
    }

    private InferenceRequest whole(
            String id, RequestOptions options, Prompt prompt, Sampling sampling, Stopping stopping, Constraint constraint, Output output,
            OptionalLong deadlineNanos, boolean unary) {
        checkModel(options.getModel(), "options.model");
        Fields.refuse(constraint);
        sampling.getLogitBiasMap().keySet().forEach(key -> checkId("sampling.logit_bias[" + key + "]", key));
        checkIds("sampling.allowed_ids", sampling.getAllowedIdsList());
        for (int i = 0; i < sampling.getBannedSequencesCount(); i++) {
            checkIds("sampling.banned_sequences[" + i + "].ids", sampling.getBannedSequences(i).getIdsList());
        }
        checkIds("stopping.stop_token_ids", stopping.getStopTokenIdsList());
        var samplingOptions = Fields.sampling(sampling, model.defaults());
        var stoppingOptions = Fields.stopping(stopping);
        var outputOptions = Fields.output(output);
        return Fields.at("", () -> new InferenceRequest(
                id, options.getModel(), prompt, samplingOptions, stoppingOptions, outputOptions, options.getPriority(),
                Fields.queueTimeout(options), deadlineNanos, options.getCache().getSalt(), options.getCache().getBypass(), unary));
    }

    private void checkId(String path, int id) {
        if (id >= 0 && id < model.vocabularySize()) return;
        throw InferenceException.invalid("TOKEN_OUT_OF_VOCABULARY", path, path + " " + id + " is outside [0, " + model.vocabularySize() + ")");
    }

    private static Prompt text(String text) {
        if (text.isEmpty()) throw InferenceException.invalid("EMPTY_PROMPT", "text", "the prompt is empty");
        return new Prompt.Text(text);
    }

    private Prompt ids(List<Integer> ids) {
        if (ids.isEmpty()) throw InferenceException.invalid("EMPTY_PROMPT", "token_ids", "the prompt is empty");
        checkIds("token_ids.ids", ids);
        return new Prompt.TokenIds(ids);
    }

    private static InferenceException noPrompt() {
        return InferenceException.invalid("EMPTY_PROMPT", "prompt", "the request has neither text nor token_ids");
    }
}
