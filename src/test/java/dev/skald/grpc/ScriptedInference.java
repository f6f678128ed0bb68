package dev.skald.grpc;

import dev.skald.sampling.SamplingParams;
import dev.skald.schedule.FinishReason;
import dev.skald.service.Health;
import dev.skald.service.Inference;
import dev.skald.service.InferenceCall;
import dev.skald.service.InferenceEvent;
import dev.skald.service.InferenceException;
import dev.skald.service.InferenceObserver;
import dev.skald.service.InferenceRequest;
import dev.skald.service.LoadSnapshot;
import dev.skald.service.ModelInfo;
import dev.skald.service.Operations;
import dev.skald.service.Prompt;
import dev.skald.service.ServerInfo;
import dev.skald.service.TokenizedText;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** An Inference that does what a test writes for it. A token is a character; its id is the character's code. */
public final class ScriptedInference implements Inference, Operations {
    public static final int VOCABULARY = 1000;
    public static final String FINGERPRINT = "fp-scripted";

    /** Plays one request, on a thread of its own. */
    public interface Script {
        void play(Run run) throws Exception;
    }

    public volatile Script script = ScriptedInference::echo;
    public volatile Health health = Health.SERVING;
    public volatile boolean drained;
    public final Set<Run> running = ConcurrentHashMap.newKeySet();
    public final AtomicInteger started = new AtomicInteger();

    private static final ModelInfo MODEL = new ModelInfo(
            "scripted", "llama", 42, "f32", 4096, VOCABULARY, new SamplingParams(0.5f, 7, 0.9f, 0, 1, 0, 0, java.util.Map.of(), List.of(), List.of()), true, FINGERPRINT);

    /** One request being played. */
    public final class Run implements InferenceCall {
        public final InferenceRequest request;
        public final CountDownLatch cancelled = new CountDownLatch(1);
        public final AtomicInteger pauses = new AtomicInteger();
        public final AtomicInteger resumes = new AtomicInteger();
        private final InferenceObserver observer;
        private boolean paused;
        private boolean over;

        Run(InferenceRequest request, InferenceObserver observer) {
            this.request = request;
            this.observer = observer;
        }

        public void admit() {
            emit(new InferenceEvent.Admitted(request.id()));
        }

        public void start() {
            emit(new InferenceEvent.Started(request.id(), MODEL.name(), FINGERPRINT, request.sampling().seed().orElse(99), promptTokens().size(), 0));
        }

        public void delta(int choice, String text) {
            emit(new InferenceEvent.Delta(choice, text, text.chars().boxed().toList(), List.of()));
        }

        public void finish(int choice, FinishReason reason) {
            emit(new InferenceEvent.Finished(choice, reason, OptionalInt.empty(), Optional.empty()));
        }

        public void complete(int completionTokens) {
            emit(new InferenceEvent.Completed(new InferenceEvent.Usage(promptTokens().size(), completionTokens, 0),
                    new InferenceEvent.Timings(Duration.ofMillis(1), Duration.ofMillis(2), Duration.ofMillis(3), 0)));
        }

        public void fail(InferenceException cause, int completionTokens) {
            emit(new InferenceEvent.Failed(cause, new InferenceEvent.Usage(promptTokens().size(), completionTokens, 0)));
        }

        public void emit(InferenceEvent event) {
            if (event instanceof InferenceEvent.Completed || event instanceof InferenceEvent.Failed) {
                running.remove(this);
                over = true;
            }
            observer.onEvent(event);
        }

        public List<Integer> promptTokens() {
            return switch (request.prompt()) {
                case Prompt.Text(String text) -> text.chars().boxed().toList();
                case Prompt.TokenIds(List<Integer> ids) -> ids;
                case Prompt.Chat chat -> applyTemplate(chat).chars().boxed().toList();
            };
        }

        public boolean isCancelled() {
            return cancelled.getCount() == 0;
        }

        public void awaitCancelled() throws InterruptedException {
            if (!cancelled.await(20, TimeUnit.SECONDS)) throw new AssertionError("never cancelled: " + request.id());
        }

        public synchronized boolean isPaused() {
            return paused;
        }

        public synchronized void awaitUnpaused() throws InterruptedException {
            while (paused && !isCancelled()) wait(50);
        }

        @Override
        public void cancel() {
            cancelled.countDown();
        }

        @Override
        public synchronized void pause() {
            pauses.incrementAndGet();
            paused = true;
        }

        @Override
        public synchronized void resume() {
            resumes.incrementAndGet();
            paused = false;
            notifyAll();
        }
    }

    @Override
    public InferenceCall start(InferenceRequest request, InferenceObserver observer) {
        Run run = new Run(request, observer);
        running.add(run);
        started.incrementAndGet();
        Thread.ofVirtual().name("script").start(() -> {
            try {
                script.play(run);
                if (!run.over && run.isCancelled()) run.fail(new InferenceException(InferenceException.Kind.CANCELLED, "CANCELLED", "", "cancelled", Optional.empty()), 0);
            } catch (Exception e) {
                run.fail(new InferenceException(InferenceException.Kind.INTERNAL, "SCRIPT", "", String.valueOf(e), Optional.empty()), 0);
            } finally {
                running.remove(run);
            }
        });
        return run;
    }

    /** Repeats the prompt, a character at a time, for each choice; scores the prompt if asked. */
    static void echo(Run run) throws InterruptedException {
        run.admit();
        run.start();
        InferenceRequest request = run.request;
        if (request.output().promptTopLogprobs() >= 0) {
            List<InferenceEvent.ScoredToken> scored = new ArrayList<>();
            List<Integer> prompt = run.promptTokens();
            for (int i = request.output().scoreFrom(); i < prompt.size(); i++) scored.add(scored(prompt.get(i)));
            run.emit(new InferenceEvent.PromptScored(scored));
        }
        int max = request.stopping().maxTokens().orElse(Integer.MAX_VALUE);
        int tokens = 0;
        for (int choice = 0; choice < request.sampling().n(); choice++) {
            int made = 0;
            for (int token : run.promptTokens()) {
                if (made == max || run.isCancelled()) break;
                run.awaitUnpaused();
                List<InferenceEvent.ScoredToken> logprobs = request.output().topLogprobs() >= 0 ? List.of(scored(token)) : List.of();
                run.emit(new InferenceEvent.Delta(choice, Character.toString(token), List.of(token), logprobs));
                made++;
            }
            tokens += made;
            run.finish(choice, made == max ? FinishReason.LENGTH : FinishReason.EOS);
        }
        run.complete(tokens);
    }

    /** Log-probability −id / 100: whatever a test wants to add up. */
    static InferenceEvent.ScoredToken scored(int id) {
        byte[] bytes = Character.toString(id).getBytes(java.nio.charset.StandardCharsets.UTF_8);
        return new InferenceEvent.ScoredToken(id, -id / 100f, 1, bytes, List.of(new InferenceEvent.TopToken(id, -id / 100f, bytes)));
    }

    @Override
    public ModelInfo model() {
        return MODEL;
    }

    @Override
    public TokenizedText tokenize(String text, boolean addSpecial) {
        List<Integer> ids = new ArrayList<>();
        if (addSpecial) ids.add(1);
        text.chars().forEach(ids::add);
        return new TokenizedText(ids, ids.stream().map(Character::toString).toList());
    }

    @Override
    public String detokenize(List<Integer> ids, boolean skipSpecial) {
        StringBuilder text = new StringBuilder();
        ids.stream().filter(id -> !skipSpecial || id != 1).forEach(text::appendCodePoint);
        return text.toString();
    }

    @Override
    public String applyTemplate(Prompt.Chat chat) {
        if (chat.messages().getFirst().role().equals("raises")) {
            throw InferenceException.invalid("TEMPLATE_RAISED", "messages", "the template raised: roles must alternate");
        }
        StringBuilder prompt = new StringBuilder();
        chat.messages().forEach(m -> prompt.append('<').append(m.role()).append('>').append(m.content()));
        return prompt.append(chat.continueFinal() ? "" : "<assistant>").append(chat.templateArgs().isEmpty() ? "" : chat.templateArgs().toString()).toString();
    }

    @Override
    public ServerInfo info() {
        return new ServerInfo("0.1.0-test", "instance-7", "scripted", List.of(new ServerInfo.Limit("max_model_len", 4096, "tokens")));
    }

    @Override
    public LoadSnapshot load() {
        return new LoadSnapshot(running.size(), 3, 1, 77, 5, 6, 100, 16, OptionalDouble.of(120.5), OptionalDouble.empty());
    }

    @Override
    public Health health() {
        return health;
    }

    @Override
    public List<String> abort(List<String> requestIds) {
        List<String> found = new ArrayList<>();
        for (Run run : running) {
            if (!requestIds.contains(run.request.id())) continue;
            found.add(run.request.id());
            run.fail(new InferenceException(InferenceException.Kind.ABORTED, "ABORTED", "", "aborted by an operator", Optional.empty()), 1);
            run.cancel();
        }
        return found;
    }

    @Override
    public int flushPrefixCache() {
        return 6;
    }

    @Override
    public void drain() {
        drained = true;
    }

    @Override
    public void close() {}
}
