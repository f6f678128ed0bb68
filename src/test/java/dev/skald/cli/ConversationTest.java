package dev.skald.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.skald.service.Inference;
import dev.skald.service.InferenceCall;
import dev.skald.service.InferenceEvent;
import dev.skald.service.InferenceException;
import dev.skald.service.InferenceObserver;
import dev.skald.service.InferenceRequest;
import dev.skald.service.ModelInfo;
import dev.skald.service.Prompt;
import dev.skald.service.TokenizedText;
import dev.skald.schedule.FinishReason;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** What a conversation remembers, of answers that come whole, are stopped, or fail. */
class ConversationTest {
    private final Script script = new Script();
    private final Conversation conversation =
            new Conversation(script, new SamplingFlags(), List.of(Prompt.Message.of("system", "s")));

    /** Answers with the words it was given; keeps silent after "…" until it is cancelled. */
    private static final class Script implements Inference {
        final BlockingQueue<String> words = new LinkedBlockingQueue<>();
        final List<String> asked = new ArrayList<>();

        @Override
        public InferenceCall start(InferenceRequest request, InferenceObserver observer) {
            asked.add(((Prompt.Chat) request.prompt())
                    .messages().stream().map(m -> m.role().charAt(0) + ":" + m.content()).collect(Collectors.joining(" ")));
            String answer = words.remove();
            if (answer.equals("!")) {
                fail(observer, InferenceException.Kind.INTERNAL);
                return call(() -> {});
            }
            String text = answer.replace("…", "");
            if (!text.isEmpty()) observer.onEvent(new InferenceEvent.Delta(0, text, List.of(1), List.of()));
            if (answer.endsWith("…")) return call(() -> fail(observer, InferenceException.Kind.CANCELLED));
            observer.onEvent(new InferenceEvent.Finished(0, FinishReason.EOS, OptionalInt.of(2), Optional.empty()));
            observer.onEvent(new InferenceEvent.Completed(
                    InferenceEvent.Usage.NONE, new InferenceEvent.Timings(Duration.ZERO, Duration.ZERO, Duration.ZERO, 0)));
            return call(() -> {});
        }

        private static void fail(InferenceObserver observer, InferenceException.Kind kind) {
            InferenceException cause = new InferenceException(kind, "REASON", "", "the sentence", Optional.empty());
            observer.onEvent(new InferenceEvent.Failed(cause, InferenceEvent.Usage.NONE));
        }

        private static InferenceCall call(Runnable cancel) {
            return new InferenceCall() {
                @Override
                public void cancel() {
                    cancel.run();
                }

                @Override
                public void pause() {}

                @Override
                public void resume() {}
            };
        }

        @Override
        public ModelInfo model() {
            throw new AssertionError();
        }

        @Override
        public TokenizedText tokenize(String text, boolean addSpecial) {
            throw new AssertionError();
        }

        @Override
        public String detokenize(List<Integer> ids, boolean skipSpecial) {
            throw new AssertionError();
        }

        @Override
        public String applyTemplate(Prompt.Chat chat) {
            throw new AssertionError();
        }

        @Override
        public void close() {}
    }

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
