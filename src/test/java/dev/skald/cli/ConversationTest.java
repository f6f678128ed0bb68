package dev.skald.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.skald.service.Inference;
import dev.skald.service.InferenceException;
import dev.skald.service.Prompt;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What a conversation remembers, of answers that come whole, are stopped, or fail. */
class ConversationTest {
    private final ScriptedInference script = new ScriptedInference();
    private final Conversation conversation =
            new Conversation(script, new SamplingFlags(), List.of(Prompt.Message.of("system", "s")));

    private String ask(String question, String answer) throws InterruptedException {
        script.words.add(answer);
        StringBuilder said = new StringBuilder();
        conversation.ask(question, text -> {
            said.append(text);
            if (answer.endsWith("…")) conversation.stop();
        });
        return said.toString();
    }

    @Test
    void turnsAreRememberedUntilTheReset() throws InterruptedException {
        assertEquals("one", ask("a", "one"));
        ask("b", "two");
        conversation.reset();
        ask("c", "three");
        assertEquals(List.of("s:s u:a", "s:s u:a a:one u:b", "s:s u:c"), script.asked);
    }

    @Test
    void aStoppedAnswerIsRememberedAsFarAsItCame() throws InterruptedException {
        assertEquals("half", ask("a", "half…"));
        ask("b", "two");
        assertEquals("s:s u:a a:half u:b", script.asked.getLast());
    }

    @Test
    void stoppingTellsThatTheAnswerIsNotWhole() throws InterruptedException {
        script.words.add("half…");
        assertTrue(conversation.ask("a", text -> conversation.stop()).isEmpty());
    }

    @Test
    void aQuestionThatFailedIsForgotten() throws InterruptedException {
        ask("a", "one");
        InferenceException failure = assertThrows(InferenceException.class, () -> ask("b", "!"));
        assertEquals("the sentence", failure.getMessage());
        ask("c", "three");
        assertEquals("s:s u:a a:one u:c", script.asked.getLast());
    }
}
