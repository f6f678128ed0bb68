package dev.skald.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.skald.service.Prompt;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PipedInputStream;
import java.io.PipedOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jline.terminal.Terminal;
import org.jline.terminal.impl.ExternalTerminal;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The conversation as keys and screen see it, on a terminal that is made of pipes. */
class ChatTerminalTest {
    private static final char CTRL_C = 3;
    private static final char CTRL_D = 4;
    private static final String UP = "\u001b[A";

    @TempDir
    Path folder;

    private final ScriptedInference script = new ScriptedInference();
    private final ByteArrayOutputStream screen = new ByteArrayOutputStream();
    private final PipedOutputStream keys = new PipedOutputStream();
    private final CompletableFuture<Integer> code = new CompletableFuture<>();
    private Terminal terminal;

    @BeforeEach
    void open() throws IOException {
        // Not by the builder, which would take a pseudo terminal of the system's: that sends Ctrl-C to a process group.
        terminal = new ExternalTerminal("pipes", "ansi", new PipedInputStream(keys), screen, StandardCharsets.UTF_8);
        Conversation conversation = new Conversation(script, new SamplingFlags(), List.of(Prompt.Message.of("system", "s")));
        ChatTerminal chat = new ChatTerminal(conversation, new Stdio(System.out, System.err, System.in, Map.of()));
        Thread.ofPlatform().daemon().start(() -> {
            try {
                code.complete(chat.run(terminal, Optional.of(folder.resolve("history"))));
            } catch (InterruptedException | RuntimeException e) {
                code.completeExceptionally(e);
            }
        });
    }

    @AfterEach
    void close() throws IOException {
        terminal.close();
    }

    private void type(String text) throws IOException {
        keys.write(text.getBytes(StandardCharsets.UTF_8));
        keys.flush();
    }

    private void see(String text) throws InterruptedException {
        for (int i = 0; i < 2000 && !screen().contains(text); i++) Thread.sleep(10);
        assertTrue(screen().contains(text), () -> "\"" + text + "\" is not in: " + screen());
    }

    private String screen() {
        return screen.toString(StandardCharsets.UTF_8);
    }

    private int prompts() {
        return screen().split("> ", -1).length;
    }

    private void end() throws Exception {
        assertEquals(0, code.get(20, TimeUnit.SECONDS));
    }

    @Test
    void answersComeAndControlDEnds() throws Exception {
        script.words.add("巴黎。");
        see("scripted listens");
        type("法国呢？\r");
        see("巴黎。");
        type("" + CTRL_D);
        end();
        assertEquals(List.of("s:s u:法国呢？"), script.asked);
    }

    @Test
    void controlCStopsTheAnswerAndNotTheProgram() throws Exception {
        script.words.addAll(List.of("half…", "whole"));
        type("a\r");
        see("half");
        type("" + CTRL_C);
        see("(stopped)");
        type("b\r");
        see("whole");
        type("never sent");
        see("never sent");
        int prompts = prompts();
        type("" + CTRL_C);
        for (int i = 0; i < 2000 && prompts() == prompts; i++) Thread.sleep(10);
        type("/quit\r");
        end();
        assertEquals(List.of("s:s u:a", "s:s u:a a:half u:b"), script.asked);
    }

    @Test
    void aBackslashGoesOnAndArrowUpBringsItBack() throws Exception {
        script.words.addAll(List.of("first", "second"));
        type("one\\\rtwo!\r");
        see("first");
        type("/reset\r");
        see("(forgotten)");
        type(UP + UP + "\r");
        see("second");
        type("/nosuch\r");
        see("no command /nosuch");
        type("" + CTRL_D);
        end();
        assertEquals(List.of("s:s u:one\ntwo!", "s:s u:one\ntwo!"), script.asked);
        assertTrue(Files.readString(folder.resolve("history")).contains("two!"));
    }

    @Test
    void aFailureIsToldAndTheConversationGoesOn() throws Exception {
        script.words.addAll(List.of("!", "fine"));
        type("a\r");
        see("(the sentence)");
        type("b\r");
        see("fine");
        type("/help\r");
        see("forget the conversation");
        type("" + CTRL_D);
        end();
        assertEquals("s:s u:b", script.asked.getLast());
    }
}
