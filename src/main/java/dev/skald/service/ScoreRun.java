package dev.skald.service;

import dev.skald.service.InferenceEvent.ScoredToken;
import dev.skald.service.InferenceEvent.Usage;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Optional;
import java.util.function.Consumer;

/** One {@link ScoreRequest} under way: starts its parts, few at a time, and gathers them. Any thread may call; one lock guards it. */
final class ScoreRun implements InferenceCall {
    private static final InferenceRequest.Stopping NOTHING =
            new InferenceRequest.Stopping(OptionalInt.of(0), 0, List.of(), List.of(), false, false);

    private final Inference inference;
    private final ScoreRequest request;
    private final ContinuationScorer.Seam seam;
    private final int maxConcurrent;
    private final Consumer<ScoreEvent> observer;

    private final Map<Integer, InferenceCall> running = new HashMap<>();
    private final List<List<ScoredToken>> scored = new ArrayList<>();
    private String model = "";
    private String fingerprint = "";
    private Usage usage = Usage.NONE;
    private int next;
    private int completed;
    private boolean admitted;
    private boolean ended;

    ScoreRun(Inference inference, ScoreRequest request, ContinuationScorer.Seam seam, int maxConcurrent, Consumer<ScoreEvent> observer) {
        this.inference = inference;
        this.request = request;
        this.seam = seam;
        this.maxConcurrent = maxConcurrent;
        this.observer = observer;
        for (int i = 0; i < seam.joined().size(); i++) scored.add(new ArrayList<>());
    }

    synchronized void begin() {
        int first = seam.scoreFrom() >= ContinuationScorer.WORTH_SHARING_TOKENS && !request.cacheBypass() ? 1 : maxConcurrent;
        startParts(first);
    }

    /** Starts parts until {@code limit} run. The lock is reentrant: a part may fail before {@code start} returns. */
    private void startParts(int limit) {
        while (!ended && next < seam.joined().size() && running.size() < limit) {
            int part = next++;
            running.put(part, new Pending());
            InferenceCall call = inference.start(partRequest(part), event -> onEvent(part, event));
            if (running.replace(part, call) == null && ended) call.cancel();
        }
    }

    private InferenceRequest partRequest(int part) {
        return new InferenceRequest(
                request.id() + "/" + part, "", new Prompt.TokenIds(seam.joined().get(part)), SamplingOptions.UNSET, NOTHING,
                new InferenceRequest.Output(-1, 0, seam.scoreFrom(), true), request.priority(), request.queueTimeout(),
                request.deadlineNanos(), request.cacheSalt(), request.cacheBypass(), true);
    }

    private synchronized void onEvent(int part, InferenceEvent event) {
        if (ended) return;
        switch (event) {
            case InferenceEvent.Admitted a -> {
                if (!admitted) observer.accept(new ScoreEvent.Admitted(request.id()));
                admitted = true;
            }
            case InferenceEvent.Started started -> {
                model = started.model();
                fingerprint = started.fingerprint();
            }
            case InferenceEvent.PromptScored(List<ScoredToken> tokens) -> scored.get(part).addAll(tokens);
            case InferenceEvent.Delta d -> {}
            case InferenceEvent.Finished f -> {}
            case InferenceEvent.Completed c -> completed(part, c.usage());
            case InferenceEvent.Failed(InferenceException cause, Usage partUsage) -> {
                running.remove(part);
                add(partUsage);
                end(new ScoreEvent.Failed(cause, usage));
            }
        }
    }

    private void completed(int part, Usage partUsage) {
        running.remove(part);
        add(partUsage);
        int expected = seam.joined().get(part).size() - seam.scoreFrom();
        if (scored.get(part).size() != expected) {
            String message = "scored " + scored.get(part).size() + " tokens of continuation " + part + " instead of " + expected;
            end(new ScoreEvent.Failed(
                    new InferenceException(InferenceException.Kind.INTERNAL, "SCORES_MISSING", "", message, Optional.empty()), usage));
            return;
        }
        completed++;
        if (completed == seam.joined().size()) {
            end(new ScoreEvent.Scored(model, fingerprint, scores(), usage));
        } else {
            startParts(maxConcurrent);
        }
    }

    private void end(ScoreEvent last) {
        ended = true;
        observer.accept(last);
        List.copyOf(running.values()).forEach(InferenceCall::cancel);
        running.clear();
    }

    /** The softmax of the sums, with the greatest taken out so that nothing overflows. */
    private List<ScoreEvent.Score> scores() {
        double[] sums = scored.stream().mapToDouble(tokens -> tokens.stream().mapToDouble(ScoredToken::logprob).sum()).toArray();
        double max = -Double.MAX_VALUE; // finite, so that impossible continuations (−∞) give 0 and not NaN
        for (double sum : sums) max = Math.max(max, sum);
        double total = 0;
        for (double sum : sums) total += Math.exp(sum - max);
        List<ScoreEvent.Score> scores = new ArrayList<>();
        for (int i = 0; i < sums.length; i++) scores.add(new ScoreEvent.Score(sums[i], scored.get(i), total == 0 ? 0 : Math.exp(sums[i] - max) / total));
        return scores;
    }

    private void add(Usage part) {
        usage = new Usage(
                usage.promptTokens() + part.promptTokens(), usage.completionTokens() + part.completionTokens(), usage.cachedTokens() + part.cachedTokens());
    }

    @Override
    public synchronized void cancel() {
        if (ended) return;
        ended = true;
        observer.accept(new ScoreEvent.Failed(
                new InferenceException(InferenceException.Kind.CANCELLED, "CANCELLED", "", "the request was cancelled", Optional.empty()), usage));
        List.copyOf(running.values()).forEach(InferenceCall::cancel);
        running.clear();
    }

    @Override
    public void pause() {}

    @Override
    public void resume() {}

    /** Holds a part's place until its call is known. */
    private static final class Pending implements InferenceCall {
        @Override
        public void cancel() {}

        @Override
        public void pause() {}

        @Override
        public void resume() {}
    }
}
