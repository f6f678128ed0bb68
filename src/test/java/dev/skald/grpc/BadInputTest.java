package dev.skald.grpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Any;
import com.google.protobuf.Duration;
import com.google.protobuf.UnknownFieldSet;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import dev.skald.api.v1.ChatMessage;
import dev.skald.api.v1.ChatRequest;
import dev.skald.api.v1.Constraint;
import dev.skald.api.v1.ContentPart;
import dev.skald.api.v1.Continuation;
import dev.skald.api.v1.DetokenizeRequest;
import dev.skald.api.v1.GenerateRequest;
import dev.skald.api.v1.InferenceGrpc;
import dev.skald.api.v1.Logprobs;
import dev.skald.api.v1.Output;
import dev.skald.api.v1.PromptLogprobs;
import dev.skald.api.v1.RequestOptions;
import dev.skald.api.v1.Sampling;
import dev.skald.api.v1.ScoreContinuationsRequest;
import dev.skald.api.v1.Stopping;
import dev.skald.api.v1.TokenIds;
import dev.skald.api.v1.TokenizeRequest;
import dev.skald.api.v1.Tool;
import dev.skald.api.v1.ToolChoice;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Bad input gets a status that says what and where, and the door goes on. */
class BadInputTest {
    private static DoorFixture fixture;
    private static InferenceGrpc.InferenceBlockingStub stub;

    @BeforeAll
    static void open() throws Exception {
        fixture = new DoorFixture();
        stub = fixture.stub().withDeadlineAfter(120, java.util.concurrent.TimeUnit.SECONDS);
    }

    @AfterAll
    static void close() {
        fixture.close();
    }

    static Stream<Arguments> badGenerateRequests() {
        return Stream.of(
                sampling("temperature", s -> s.setTemperature(Float.NaN)),
                sampling("temperature", s -> s.setTemperature(-1)),
                sampling("temperature", s -> s.setTemperature(Float.POSITIVE_INFINITY)),
                sampling("top_k", s -> s.setTopK(-1)),
                sampling("top_p", s -> s.setTopP(0)),
                sampling("top_p", s -> s.setTopP(1.01f)),
                sampling("top_p", s -> s.setTopP(Float.NaN)),
                sampling("min_p", s -> s.setMinP(-0.1f)),
                sampling("repetition_penalty", s -> s.setRepetitionPenalty(0)),
                sampling("presence_penalty", s -> s.setPresencePenalty(-3)),
                sampling("frequency_penalty", s -> s.setFrequencyPenalty(Float.NEGATIVE_INFINITY)),
                sampling("logit_bias[5]", s -> s.putLogitBias(5, Float.NaN)),
                sampling("logit_bias[-1]", s -> s.putLogitBias(-1, 1)),
                sampling("logit_bias[1000]", s -> s.putLogitBias(1000, 1)),
                sampling("allowed_ids[1]", s -> s.addAllowedIds(3).addAllowedIds(1000)),
                sampling("banned_sequences", s -> s.addBannedSequences(TokenIds.getDefaultInstance())),
                sampling("banned_sequences[0].ids[0]", s -> s.addBannedSequences(TokenIds.newBuilder().addIds(-2))),
                sampling("n", s -> s.setN(0)),
                sampling("n", s -> s.setN(129)),
                bad("stopping.max_tokens", r -> r.setStopping(Stopping.newBuilder().setMaxTokens(-1))),
                bad("stopping.min_tokens", r -> r.setStopping(Stopping.newBuilder().setMinTokens(-1))),
                bad("stopping.min_tokens", r -> r.setStopping(Stopping.newBuilder().setMinTokens(5).setMaxTokens(4))),
                bad("stopping.stop_strings[1]", r -> r.setStopping(Stopping.newBuilder().addStopStrings("x").addStopStrings(""))),
                bad("stopping.stop_strings", r -> r.setStopping(Stopping.newBuilder().addAllStopStrings(java.util.Collections.nCopies(17, "x")))),
                bad("stopping.stop_strings[0]", r -> r.setStopping(Stopping.newBuilder().addStopStrings("x".repeat(257)))),
                bad("stopping.stop_token_ids[0]", r -> r.setStopping(Stopping.newBuilder().addStopTokenIds(5000))),
                bad("output.logprobs.top_n", r -> r.setOutput(Output.newBuilder().setLogprobs(Logprobs.newBuilder().setTopN(21)))),
                bad("output.logprobs.top_n", r -> r.setOutput(Output.newBuilder().setLogprobs(Logprobs.newBuilder().setTopN(-1)))),
                bad("output.logprobs.token_ids", r -> r.setOutput(Output.newBuilder()
                        .setLogprobs(Logprobs.newBuilder().setTokenIds(TokenIds.newBuilder().addIds(1))))),
                bad("output.prompt_logprobs.from", r -> r.setOutput(Output.newBuilder()
                        .setPromptLogprobs(PromptLogprobs.newBuilder().setFrom(0)))),
                bad("options.priority", r -> r.setOptions(RequestOptions.newBuilder().setPriority(101))),
                bad("options.request_id", r -> r.setOptions(RequestOptions.newBuilder().setRequestId("a b"))),
                bad("options.request_id", r -> r.setOptions(RequestOptions.newBuilder().setRequestId("é"))),
                bad("options.request_id", r -> r.setOptions(RequestOptions.newBuilder().setRequestId("x".repeat(129)))),
                bad("options.queue_timeout", r -> r.setOptions(RequestOptions.newBuilder().setQueueTimeout(Duration.getDefaultInstance()))),
                bad("options.queue_timeout", r -> r.setOptions(RequestOptions.newBuilder().setQueueTimeout(
                        Duration.newBuilder().setSeconds(Long.MAX_VALUE).setNanos(-1)))),
                bad("options.cache.salt", r -> r.setOptions(RequestOptions.newBuilder().setCache(
                        dev.skald.api.v1.CacheControl.newBuilder().setSalt("s".repeat(257))))),
                bad("prompt", GenerateRequest.Builder::clearPrompt),
                bad("text", r -> r.setText("")),
                bad("token_ids", r -> r.setTokenIds(TokenIds.getDefaultInstance())),
                bad("token_ids.ids[2]", r -> r.setTokenIds(TokenIds.newBuilder().addIds(1).addIds(2).addIds(1000))),
                bad("token_ids.ids[0]", r -> r.setTokenIds(TokenIds.newBuilder().addIds(-1))),
                bad("constraint", r -> r.setConstraint(Constraint.newBuilder().setRegex("a+"))),
                bad("constraint", r -> r.setConstraint(Constraint.newBuilder().setJsonObject(true))),
                bad("#99", r -> r.setUnknownFields(unknown(99))),
                bad("sampling.#17", r -> r.setSampling(Sampling.newBuilder().setUnknownFields(unknown(17)))),
                bad("sampling.banned_sequences[0].#3", r -> r.setSampling(Sampling.newBuilder().addBannedSequences(
                        TokenIds.newBuilder().addIds(1).setUnknownFields(unknown(3))))));
    }

    private static Arguments sampling(String field, Consumer<Sampling.Builder> change) {
        return bad("sampling." + field, request -> {
            Sampling.Builder sampling = Sampling.newBuilder();
            change.accept(sampling);
            request.setSampling(sampling);
        });
    }

    private static Arguments bad(String path, Consumer<GenerateRequest.Builder> change) {
        GenerateRequest.Builder request = GenerateRequest.newBuilder().setText("x");
        change.accept(request);
        return Arguments.of(path, request.build());
    }

    private static UnknownFieldSet unknown(int number) {
        return UnknownFieldSet.newBuilder().addField(number, UnknownFieldSet.Field.newBuilder().addVarint(1).build()).build();
    }

    @ParameterizedTest(name = "{index} {0}")
    @MethodSource("badGenerateRequests")
    void aBadFieldIsNamed(String path, GenerateRequest request) throws Exception {
        int before = fixture.inference.started.get();
        assertRefused(Status.Code.INVALID_ARGUMENT, path, () -> stub.generate(request));
        assertEquals(before, fixture.inference.started.get(), "nothing was started");
    }

    @Test
    void badConversationsAreNamed() throws Exception {
        ChatMessage user = ChatMessage.newBuilder().setRole("user").addContent(ContentPart.newBuilder().setText("x")).build();
        ChatRequest good = ChatRequest.newBuilder().addMessages(user).build();
        refuseChat("messages", good.toBuilder().clearMessages());
        refuseChat("messages[1].role", good.toBuilder().addMessages(ChatMessage.newBuilder()));
        refuseChat("messages[0].content[1]", good.toBuilder().setMessages(0, user.toBuilder().addContent(ContentPart.newBuilder())));
        refuseChat("tools", good.toBuilder().addTools(Tool.newBuilder().setName("f")));
        refuseChat("tool_choice", good.toBuilder().setToolChoice(ToolChoice.newBuilder().setMode(ToolChoice.Mode.MODE_AUTO)));
        refuseChat("tool_choice.mode", good.toBuilder().setToolChoice(ToolChoice.newBuilder().setModeValue(44)));
        refuseChat("continue_final", good.toBuilder().setContinueFinal(true));
        refuseChat("template_args_json", good.toBuilder().setTemplateArgsJson("{"));
        refuseChat("template_args_json", good.toBuilder().setTemplateArgsJson("[1]"));
        refuseChat("template_args_json", good.toBuilder().setTemplateArgsJson("{} trailing"));
        refuseChat("template_args_json", good.toBuilder().setTemplateArgsJson("{\"a\":".repeat(200) + "1" + "}".repeat(200)));
        refuseChat("messages[0].tool_calls[0].arguments_json", good.toBuilder().setMessages(0, user.toBuilder().addToolCalls(
                dev.skald.api.v1.ToolCall.newBuilder().setName("f").setArgumentsJson("nope"))));
        assertRefused(Status.Code.INVALID_ARGUMENT, "messages", () -> stub.applyTemplate(
                dev.skald.api.v1.ApplyTemplateRequest.newBuilder().addMessages(user.toBuilder().setRole("raises")).build()));
    }

    private static void refuseChat(String path, ChatRequest.Builder request) throws Exception {
        assertRefused(Status.Code.INVALID_ARGUMENT, path, () -> stub.chat(request.build()));
    }

    @Test
    void badContinuationsAreNamed() throws Exception {
        ScoreContinuationsRequest good = ScoreContinuationsRequest.newBuilder().setText("a").addContinuations(Continuation.newBuilder().setText("b")).build();
        refuseScore("prompt", good.toBuilder().clearPrompt());
        refuseScore("continuations", good.toBuilder().clearContinuations());
        refuseScore("continuations[0]", good.toBuilder().setContinuations(0, Continuation.newBuilder()));
        refuseScore("continuations[0]", good.toBuilder().setContinuations(0, Continuation.newBuilder().setText("")));
        refuseScore("continuations[1]", good.toBuilder().addContinuations(Continuation.newBuilder().setTokenIds(TokenIds.newBuilder().addIds(1))));
        refuseScore("continuations[0].token_ids.ids[0]", good.toBuilder().setContinuations(0,
                Continuation.newBuilder().setTokenIds(TokenIds.newBuilder().addIds(-1))));
        ScoreContinuationsRequest.Builder many = good.toBuilder();
        for (int i = 0; i < 256; i++) many.addContinuations(Continuation.newBuilder().setText("c"));
        refuseScore("continuations", many);
    }

    private static void refuseScore(String path, ScoreContinuationsRequest.Builder request) throws Exception {
        assertRefused(Status.Code.INVALID_ARGUMENT, path, () -> stub.scoreContinuations(request.build()));
    }

    @Test
    void anUnknownModelIsNotFound() throws Exception {
        assertRefused(Status.Code.NOT_FOUND, "options.model", () -> stub.generate(
                GenerateRequest.newBuilder().setText("x").setOptions(RequestOptions.newBuilder().setModel("gpt")).build()));
        assertRefused(Status.Code.NOT_FOUND, "model", () -> stub.tokenize(TokenizeRequest.newBuilder().setModel("gpt").build()));
        assertEquals("scripted", stub.generate(GenerateRequest.newBuilder().setText("x")
                .setOptions(RequestOptions.newBuilder().setModel("scripted")).build()).getModel());
    }

    @Test
    void idsToDetokenizeAreChecked() throws Exception {
        assertRefused(Status.Code.INVALID_ARGUMENT, "token_ids[1]", () -> stub.detokenize(
                DetokenizeRequest.newBuilder().addTokenIds(1).addTokenIds(99_999).build()));
    }

    @Test
    void aHugeNameIsNotEchoedWhole() {
        StatusRuntimeException e = assertThrows(StatusRuntimeException.class,
                () -> stub.tokenize(TokenizeRequest.newBuilder().setModel("m".repeat(100_000)).build()));
        assertEquals(Status.Code.NOT_FOUND, e.getStatus().getCode());
        assertTrue(e.getStatus().getDescription().length() <= DoorLimits.MAX_STATUS_CHARS);
    }

    @Test
    void unknownFieldsPassWhereAllowed() throws Exception {
        DoorConfig config = new DoorConfig("127.0.0.1", 0, java.util.OptionalInt.empty(), java.util.Optional.empty(), DoorLimits.DEFAULT, true, false);
        try (DoorFixture lenient = new DoorFixture(config)) {
            var answer = lenient.stub().generate(GenerateRequest.newBuilder().setText("x").setUnknownFields(unknown(99)).build());
            assertEquals("x", answer.getChoices(0).getText());
        }
    }

    @Test
    void theDoorsOwnLimitsStandInTheTable() throws Exception {
        String table = java.nio.file.Files.readString(java.nio.file.Path.of("src/docs/limits.md"));
        assertTrue(table.contains(String.format(java.util.Locale.ROOT, "| messages of a conversation; depth of its JSON | %,d; %d |",
                ChatPrompts.MAX_MESSAGES, ChatPrompts.MAX_JSON_DEPTH)));
        assertTrue(table.contains(String.format(java.util.Locale.ROOT, "| ids of one Abort | %,d |", AdminService.MAX_ABORTED_IDS)));
    }

    private static void assertRefused(Status.Code code, String path, Runnable call) throws Exception {
        StatusRuntimeException e = assertThrows(StatusRuntimeException.class, call::run);
        assertEquals(code, e.getStatus().getCode(), e.getMessage());
        String field = "";
        String domain = "";
        for (Any detail : StatusProto.fromThrowable(e).getDetailsList()) {
            if (detail.is(BadRequest.class)) field = detail.unpack(BadRequest.class).getFieldViolations(0).getField();
            if (detail.is(ErrorInfo.class)) {
                domain = detail.unpack(ErrorInfo.class).getDomain();
                assertTrue(detail.unpack(ErrorInfo.class).getReason().matches("[A-Z_]+"));
            }
        }
        assertEquals(path, field, e.getMessage());
        assertEquals("skald.dev", domain);
        assertFalse(e.getStatus().getDescription().isEmpty());
    }
}
