package dev.skald.service;

import dev.skald.engine.RequestHandle;
import dev.skald.engine.TokenEvent;
import dev.skald.engine.TokenLogprob;
import dev.skald.engine.TokenSink;
import dev.skald.schedule.EngineRequest;
import dev.skald.schedule.Failure;
import dev.skald.service.InferenceEvent.ScoredToken;
import dev.skald.service.InferenceEvent.TopToken;
import dev.skald.service.InferenceEvent.Usage;
import dev.skald.text.StopMatcher;
import dev.skald.text.Tokenizer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/** The model of this process: template and tokenizer before the engine, decoding and stop strings after it. Thread-safe. */
public final class LocalInference implements Inference {
    private static final int CLOSE_SECONDS = 5;
    private static final Failure UNLOADING = Failure.of(Failure.Kind.UNAVAILABLE, "the model is being unloaded");

    private final ModelInfo model;
    private final Tokenizer tokenizer;
    private final Submitter engine;
    private final TextWorkers workers;
    private final RequestResolver resolver;
    private final PromptEncoder prompts;
    private final Map<String, LocalCall> running = new ConcurrentHashMap<>();
    private volatile boolean closing;

    /**
     * @param chatFormat empty: the model can't chat
     * @param eosIds     ids that end the model's answers
     * @param maxChoices greatest n of a request
     * @param engine     takes the requests; closed by whoever made it, after this
     * @param workers    closed with this
     */
    public LocalInference(
            ModelInfo model,
            Tokenizer tokenizer,
            Optional<ChatFormat> chatFormat,
            List<Integer> eosIds,
            int maxChoices,
            Submitter engine,
            TextWorkers workers) {
        this.model = model;
        this.tokenizer = tokenizer;
        this.engine = engine;
        this.workers = workers;
        this.resolver = new RequestResolver(model, eosIds, maxChoices);
        this.prompts = new PromptEncoder(tokenizer, chatFormat, resolver);
    }

    @Override
    public ModelInfo model() {
        return model;
    }

    @Override
    public InferenceCall start(InferenceRequest request, InferenceObserver observer) {
        LocalCall call = new LocalCall(workers.assign());
        boolean unique = running.putIfAbsent(request.id(), call) == null;
        call.begin(new Answer(request, observer, call, unique));
        return call;
    }

    @Override
    public TokenizedText tokenize(String text, boolean addSpecial) {
        int[] ids = tokenizer.encode(text, addSpecial);
        return new TokenizedText(Arrays.stream(ids).boxed().toList(), Arrays.stream(ids).mapToObj(tokenizer::piece).toList());
    }

    @Override
    public String detokenize(List<Integer> ids, boolean skipSpecial) {
        resolver.checkIds(ids, "token_ids", "token_ids");
        return tokenizer.decode(PromptEncoder.toInts(ids), skipSpecial);
    }

    @Override
    public String applyTemplate(Prompt.Chat chat) {
        return prompts.render(chat);
    }

    /** Ends the requests of these ids with ABORTED. @return those that were running */
    public List<String> abort(List<String> requestIds) {
        List<String> aborted = new ArrayList<>();
        for (String id : requestIds) {
            LocalCall call = running.get(id);
            if (call == null) continue;
            call.cancel(Failure.of(Failure.Kind.ABORTED, "an operator aborted the request"));
            aborted.add(id);
        }
        return aborted;
    }

    /** Requests that have not had their last event. */
    public int running() {
        return running.size();
    }

    /** Ends what is running with UNAVAILABLE and waits, at most {@value #CLOSE_SECONDS} s, until everybody has been told. */
    @Override
    public void close() {
        closing = true;
        running.values().forEach(call -> call.cancel(UNLOADING));
        awaitRunning(Duration.ofSeconds(CLOSE_SECONDS));
        workers.close();
    }

    private void awaitRunning(Duration longest) {
        long deadline = System.nanoTime() + longest.toNanos();
        synchronized (running) {
            while (!running.isEmpty() && deadline - System.nanoTime() > 0) {
                try {
                    running.wait(100);
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    return;
                }
            }
        }
    }

    /** One request's state on its text worker. */
    private final class Answer implements LocalCall.Work {
        private final InferenceRequest request;
        private final InferenceObserver observer;
        private final LocalCall call;
        private final boolean unique;
        private long seed;
        private List<ChoiceText> choices = List.of();
        private Usage prompt = Usage.NONE;

        /** @param unique whether no other request of this id was running when it came */
        Answer(InferenceRequest request, InferenceObserver observer, LocalCall call, boolean unique) {
            this.request = request;
            this.observer = observer;
            this.call = call;
            this.unique = unique;
        }

        @Override
        public RequestHandle submit(TokenSink sink) {
            if (!unique) {
                throw InferenceException.invalid(
                        "DUPLICATE_REQUEST_ID", "options.request_id", "a request \"" + request.id() + "\" is running already");
            }
            if (closing) throw Failures.of(UNLOADING);
            resolver.check(request);
            EngineRequest resolved = resolver.resolve(request, prompts.encode(request.prompt()));
            seed = resolved.seed();
            List<ChoiceText> texts = new ArrayList<>();
            for (int i = 0; i < resolved.choices(); i++) texts.add(choice(i, resolved));
            choices = List.copyOf(texts);
            return engine.submit(resolved, sink);
        }

        private ChoiceText choice(int index, EngineRequest resolved) {
            InferenceRequest.Stopping stopping = request.stopping();
            return new ChoiceText(
                    index,
                    tokenizer.stream(request.output().skipSpecial(), PromptEncoder.continuesText(request.prompt())),
                    new StopMatcher(stopping.stopStrings(), stopping.includeStop(), stopping.minTokens()),
                    RequestResolver.endIds(resolved),
                    stopping.includeStop(),
                    observer::onEvent,
                    token -> call.finishAt(index, token));
        }

        @Override
        public boolean event(TokenEvent event) {
            switch (event) {
                case TokenEvent.Admitted admitted -> observer.onEvent(new InferenceEvent.Admitted(request.id()));
                case TokenEvent.Started started -> {
                    prompt = new Usage(started.promptTokens(), 0, started.cachedTokens());
                    observer.onEvent(new InferenceEvent.Started(
                            request.id(), model.name(), model.fingerprint(), seed, started.promptTokens(), started.cachedTokens()));
                }
                case TokenEvent.PromptScored scored ->
                    observer.onEvent(new InferenceEvent.PromptScored(scored.logprobs().stream().map(this::score).toList()));
                case TokenEvent.Token token -> choices.get(token.choice()).token(token, token.logprob().map(this::score));
                case TokenEvent.Finished finished -> choices.get(finished.choice()).finished(finished.reason(), finished.id());
                case TokenEvent.Completed completed -> {
                    release();
                    observer.onEvent(new InferenceEvent.Completed(usage(), timings(completed.timings())));
                    return true;
                }
                case TokenEvent.Failed failed -> {
                    fail(Failures.of(failed.failure()));
                    return true;
                }
            }
            return false;
        }

        @Override
        public void fail(InferenceException cause) {
            release();
            observer.onEvent(new InferenceEvent.Failed(cause, usage()));
        }

        /** Before the last event, so that whoever saw it may use the id again. */
        private void release() {
            running.remove(request.id(), call);
            synchronized (running) {
                running.notifyAll();
            }
        }

        /** Counted here: the engine may have gone past a stop string before it was told. */
        private Usage usage() {
            return new Usage(prompt.promptTokens(), choices.stream().mapToInt(ChoiceText::tokens).sum(), prompt.cachedTokens());
        }

        private InferenceEvent.Timings timings(TokenEvent.Timings t) {
            return new InferenceEvent.Timings(
                    Duration.ofNanos(t.queueNanos()), Duration.ofNanos(t.prefillNanos()), Duration.ofNanos(t.decodeNanos()), t.preemptions());
        }

        private ScoredToken score(TokenLogprob token) {
            List<TopToken> top = new ArrayList<>(token.topIds().length);
            for (int k = 0; k < token.topIds().length; k++) {
                top.add(new TopToken(token.topIds()[k], token.topLogprobs()[k], tokenizer.bytes(token.topIds()[k])));
            }
            return new ScoredToken(token.id(), token.logprob(), token.rank(), tokenizer.bytes(token.id()), List.copyOf(top));
        }
    }
}
