package dev.skald.service;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * Scores continuations over any {@link Inference}: each is a request for prompt log-probabilities that generates nothing. Thread-safe.
 *
 * <p><b>The seam.</b> Prompt and continuation are joined first and tokenised as one, since that is the sequence a model has learned to see;
 * a token may then span the seam, or the last tokens of the prompt may come out differently. So all continuations are scored from one and
 * the same position: the first at which the prompt's own tokens and those of any joined sequence differ. What lies before it is common to
 * all, what follows covers the same text for each, and so the sums can be compared. Ids are joined as they are; their seam is exact.
 */
public final class ContinuationScorer {
    /** From this many common tokens on, the first part runs alone, so that the others find its work in the prefix cache. */
    static final int WORTH_SHARING_TOKENS = 64;

    private final int maxConcurrent;

    /** @param maxConcurrent most parts of one request that run at a time; at least 1 */
    public ContinuationScorer(int maxConcurrent) {
        if (maxConcurrent < 1) throw new IllegalArgumentException("maxConcurrent " + maxConcurrent + " is less than 1");
        this.maxConcurrent = maxConcurrent;
    }

    /**
     * Tokenises on the calling thread, then returns; the rest comes through the observer, in order, never two at once.
     *
     * @return acts on the parts that run; pausing it has no effect, since nothing is sent before the end
     */
    public InferenceCall start(Inference inference, ScoreRequest request, Consumer<ScoreEvent> observer) {
        Seam seam;
        try {
            seam = seam(inference, request);
        } catch (InferenceException e) {
            observer.accept(new ScoreEvent.Failed(e, InferenceEvent.Usage.NONE));
            return new NoCall();
        }
        ScoreRun run = new ScoreRun(inference, request, seam, maxConcurrent, observer);
        run.begin();
        return run;
    }

    /**
     * @param joined    one sequence of ids for each continuation
     * @param scoreFrom first position that is scored, in each of them
     */
    record Seam(List<List<Integer>> joined, int scoreFrom) {}

    static Seam seam(Inference inference, ScoreRequest request) {
        List<Integer> alone = ids(inference, request.prompt());
        List<List<Integer>> joined = new ArrayList<>();
        int scoreFrom = alone.size();
        for (Prompt continuation : request.continuations()) {
            List<Integer> ids = ids(inference, join(request.prompt(), continuation));
            joined.add(ids);
            scoreFrom = Math.min(scoreFrom, commonPrefix(alone, ids));
        }
        if (scoreFrom == 0) {
            throw InferenceException.invalid("EMPTY_PROMPT", "prompt", "the prompt has no token in common with its continuations, so nothing precedes them");
        }
        for (int i = 0; i < joined.size(); i++) {
            if (joined.get(i).size() <= scoreFrom) {
                throw InferenceException.invalid("EMPTY_CONTINUATION", "continuations[" + i + "]", "the continuation adds no token to the prompt");
            }
        }
        return new Seam(joined, scoreFrom);
    }

    private static Prompt join(Prompt prompt, Prompt continuation) {
        if (prompt instanceof Prompt.Text(String a) && continuation instanceof Prompt.Text(String b)) return new Prompt.Text(a + b);
        if (prompt instanceof Prompt.TokenIds(List<Integer> a) && continuation instanceof Prompt.TokenIds(List<Integer> b)) {
            List<Integer> ids = new ArrayList<>(a);
            ids.addAll(b);
            return new Prompt.TokenIds(ids);
        }
        throw new IllegalArgumentException("kinds differ");
    }

    private static List<Integer> ids(Inference inference, Prompt prompt) {
        return switch (prompt) {
            case Prompt.Text(String text) -> inference.tokenize(text, true).ids();
            case Prompt.TokenIds(List<Integer> ids) -> ids;
            case Prompt.Chat chat -> throw new IllegalArgumentException("a conversation has no continuations");
        };
    }

    private static int commonPrefix(List<Integer> a, List<Integer> b) {
        int n = Math.min(a.size(), b.size());
        int i = 0;
        while (i < n && a.get(i).equals(b.get(i))) i++;
        return i;
    }

    /** What never started. */
    private record NoCall() implements InferenceCall {
        @Override
        public void cancel() {}

        @Override
        public void pause() {}

        @Override
        public void resume() {}
    }
}
