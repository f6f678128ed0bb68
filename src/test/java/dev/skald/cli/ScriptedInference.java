package dev.skald.cli;

import dev.skald.sampling.SamplingParams;
import dev.skald.schedule.FinishReason;
import dev.skald.service.Inference;
import dev.skald.service.InferenceCall;
import dev.skald.service.InferenceEvent;
import dev.skald.service.InferenceException;
import dev.skald.service.InferenceObserver;
import dev.skald.service.InferenceRequest;
import dev.skald.service.ModelInfo;
import dev.skald.service.Prompt;
import dev.skald.service.TokenizedText;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.stream.Collectors;

/** Answers with the words it was given; keeps silent after "…" until it is cancelled. */
final class ScriptedInference implements Inference {
    final BlockingQueue<String> words = new LinkedBlockingQueue<>();
    final List<String> asked = new CopyOnWriteArrayList<>();

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
        return new ModelInfo("scripted", "", 0, "", 10, 10, SamplingParams.GREEDY, true, "");
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
