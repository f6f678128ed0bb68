package dev.skald.batch;

import dev.skald.sampling.SamplingParams;
import dev.skald.schedule.FinishReason;
import dev.skald.service.Inference;
import dev.skald.service.InferenceCall;
import dev.skald.service.InferenceEvent;
import dev.skald.service.InferenceEvent.Usage;
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
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.stream.Collectors;

/** Answers a prompt with itself and its seed, after a while; fails or dies where it is told to. */
final class EchoInference implements Inference {
    static final ModelInfo MODEL = new ModelInfo("echo", "none", 1, "f32", 100, 1000, SamplingParams.GREEDY, true, "echo-print");

    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final ModelInfo model;
    private final long millis;
    /** Before a request is taken in. */
    volatile Function<InferenceRequest, Optional<InferenceException>> refuses = request -> Optional.empty();
    /** After it was. */
    volatile Function<InferenceRequest, Optional<InferenceException>> fails = request -> Optional.empty();
    final AtomicInteger running = new AtomicInteger();
    final AtomicInteger most = new AtomicInteger();
    final AtomicInteger asked = new AtomicInteger();

    EchoInference(long millis) {
        this(MODEL, millis);
    }

    EchoInference(ModelInfo model, long millis) {
        this.model = model;
        this.millis = millis;
    }

    static InferenceException failure(InferenceException.Kind kind, Duration... retryAfter) {
        return new InferenceException(kind, kind.name(), "", "told to", retryAfter.length == 0 ? Optional.empty() : Optional.of(retryAfter[0]));
    }

    static String text(Prompt prompt) {
        return switch (prompt) {
            case Prompt.Text(String text) -> text;
            case Prompt.TokenIds(List<Integer> ids) -> ids.toString();
            case Prompt.Chat chat -> chat.messages().stream().map(m -> m.role() + ":" + m.content()).collect(Collectors.joining(" "));
        };
    }

    @Override
    public ModelInfo model() {
        return model;
    }

    @Override
    public InferenceCall start(InferenceRequest request, InferenceObserver observer) {
        asked.incrementAndGet();
        int now = running.incrementAndGet();
        most.accumulateAndGet(now, Math::max);
        boolean[] cancelled = new boolean[1];
        Thread[] thread = new Thread[1];
        threads.execute(() -> {
            synchronized (cancelled) {
                thread[0] = Thread.currentThread();
            }
            answer(request, event -> {
                // Before whoever hears it can send the next.
                if (event instanceof InferenceEvent.Completed || event instanceof InferenceEvent.Failed) running.decrementAndGet();
                observer.onEvent(event);
            }, cancelled);
        });
        return new InferenceCall() {
            @Override
            public void cancel() {
                synchronized (cancelled) {
                    cancelled[0] = true;
                    if (thread[0] != null) thread[0].interrupt();
                }
            }

            @Override
            public void pause() {}

            @Override
            public void resume() {}
        };
    }

    private void answer(InferenceRequest request, InferenceObserver observer, boolean[] cancelled) {
        Optional<InferenceException> refusal = refuses.apply(request);
        if (refusal.isPresent()) {
            observer.onEvent(new InferenceEvent.Failed(refusal.get(), Usage.NONE));
            return;
        }
        observer.onEvent(new InferenceEvent.Admitted(request.id()));
        String text = text(request.prompt());
        int words = text.split(" ").length;
        observer.onEvent(new InferenceEvent.Started(request.id(), model.name(), model.fingerprint(), request.sampling().seed().orElse(0), words, 0));
        sleep();
        if (text.contains("POISON")) Runtime.getRuntime().halt(134);
        Optional<InferenceException> failure = fails.apply(request);
        boolean dead;
        synchronized (cancelled) {
            dead = cancelled[0];
        }
        if (dead || failure.isPresent()) {
            observer.onEvent(new InferenceEvent.Failed(failure.orElse(failure(InferenceException.Kind.CANCELLED)), Usage.NONE));
            return;
        }
        for (int i = 0; i < request.sampling().n(); i++) {
            observer.onEvent(new InferenceEvent.Delta(i, text + " #" + request.sampling().seed().orElse(0), List.of(1, 2), List.of()));
            observer.onEvent(new InferenceEvent.Finished(i, FinishReason.EOS, OptionalInt.empty(), Optional.empty()));
        }
        observer.onEvent(new InferenceEvent.Completed(
                new Usage(words, 2, 0), new InferenceEvent.Timings(Duration.ZERO, Duration.ZERO, Duration.ZERO, 0)));
    }

    private void sleep() {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            // cancelled
        }
    }

    @Override
    public TokenizedText tokenize(String text, boolean addSpecial) {
        List<Integer> ids = text.chars().boxed().toList();
        return new TokenizedText(ids, ids.stream().map(String::valueOf).toList());
    }

    @Override
    public String detokenize(List<Integer> ids, boolean skipSpecial) {
        throw new AssertionError();
    }

    @Override
    public String applyTemplate(Prompt.Chat chat) {
        return text(chat);
    }

    @Override
    public void close() {
        threads.close();
    }
}
