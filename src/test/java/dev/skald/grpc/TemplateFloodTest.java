package dev.skald.grpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.skald.api.v1.ApplyTemplateRequest;
import dev.skald.api.v1.ChatMessage;
import dev.skald.api.v1.ChatRequest;
import dev.skald.api.v1.ContentPart;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collections;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The limits of rendering, at ten times their size, by what a client can send: a careless template does as much work as its arguments say. */
@Timeout(120)
class TemplateFloodTest {
    private static final int TIMES = 10;
    private static final long HEAP_SLACK = 48 << 20;
    private static final Duration LONG = Duration.ofSeconds(100);
    private static final String BIG = "x".repeat(1 << 16);

    private static final String TEMPLATE = """
            {%- macro down(n) %}{{ down(n - 1) if n else '' }}{% endmacro %}
            {%- set ns = namespace(made='') %}
            {%- if mode == 'steps' %}{% set many = range(1000) %}{% for a in range(n) %}{% for b in many %}{% endfor %}{% endfor %}
            {%- elif mode == 'characters' %}{% for a in range(n) %}{% set ns.made = big ~ a %}{% endfor %}
            {%- elif mode == 'output' %}{% for a in range(n) %}{{ big }}{% endfor %}
            {%- elif mode == 'depth' %}{{ down(n) }}
            {%- endif %}{% for m in messages %}{{ m.content }}{% endfor %}""";

    @TempDir
    Path folder;

    private EngineFixture fixture;

    @BeforeEach
    void open() throws Exception {
        Path template = Files.writeString(folder.resolve("careless.jinja"), TEMPLATE);
        fixture = new EngineFixture(folder, EngineFixture.limits(4, 64, LONG, LONG), 64, DoorLimits.DEFAULT, Optional.of(template), operation -> {});
    }

    @AfterEach
    void close() {
        fixture.close();
    }

    @ParameterizedTest
    @CsvSource({"steps, 100000, steps", "characters, 10240, characters", "output, 2560, characters", "output, 400, bytes", "depth, 2000, levels"})
    void workFarBeyondTheLimit(String mode, int n, String unit) {
        String args = "{\"mode\":\"" + mode + "\",\"n\":" + n + ",\"big\":\"" + BIG + "\"}";
        long before = Memory.liveBytes();
        for (int i = 0; i < 3; i++) {
            StatusRuntimeException e = assertThrows(StatusRuntimeException.class, () -> fixture.stub().applyTemplate(template(1, args)));
            assertEquals(Status.Code.INVALID_ARGUMENT, e.getStatus().getCode(), e.getMessage());
            assertTrue(e.getMessage().contains(unit), e.getMessage());
        }
        StatusRuntimeException e = assertThrows(StatusRuntimeException.class,
                () -> fixture.stub().chat(ChatRequest.newBuilder().addMessages(message()).setTemplateArgsJson(args).build()));
        assertEquals(Status.Code.INVALID_ARGUMENT, e.getStatus().getCode(), e.getMessage());
        assertTrue(Memory.liveBytes() - before < HEAP_SLACK, "the heap grew");
        assertEquals("hi", fixture.stub().applyTemplate(template(1, "")).getPrompt());
    }

    @Test
    void moreMessagesAndDeeperArgumentsThanAConversationMayHave() {
        long before = Memory.liveBytes();
        refused(template(TIMES * 4096, ""));
        refused(template(1, "{\"deep\":" + "[".repeat(TIMES * 64) + "]".repeat(TIMES * 64) + "}"));
        assertTrue(Memory.liveBytes() - before < HEAP_SLACK, "the heap grew");
        assertEquals("hi", fixture.stub().applyTemplate(template(1, "")).getPrompt());
    }

    private void refused(ApplyTemplateRequest request) {
        StatusRuntimeException e = assertThrows(StatusRuntimeException.class, () -> fixture.stub().applyTemplate(request));
        assertEquals(Status.Code.INVALID_ARGUMENT, e.getStatus().getCode(), e.getMessage());
    }

    private static ApplyTemplateRequest template(int messages, String args) {
        return ApplyTemplateRequest.newBuilder().addAllMessages(Collections.nCopies(messages, message())).setTemplateArgsJson(args).build();
    }

    private static ChatMessage message() {
        return ChatMessage.newBuilder().setRole("user").addContent(ContentPart.newBuilder().setText("hi")).build();
    }
}
