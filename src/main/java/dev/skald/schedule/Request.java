package dev.skald.schedule;

import dev.skald.kv.PrefixIndex;
import java.util.ArrayList;
import java.util.List;

/**
 * A request from admission to its end: its choices, which are drawn from one prompt, and what they have in common. The prompt is computed once,
 * by the first choice; when that is planned, the request <i>forks</i> and the others start to run. Belongs to the engine thread.
 */
public final class Request {
    final EngineRequest spec;
    final RequestListener listener;
    final long arrivalNanos;
    /** Tokens that each choice may draw. */
    final int maxNew;
    /** Whether it is the context, not the request, that sets {@link #maxNew}. */
    final boolean contextIsLimit;
    final int[] eosIds;
    final int[] stopIds;
    final List<Sequence> choices;

    /** Place in the order of arrival; given when it is admitted. */
    long order;
    PrefixIndex.Root root;
    /** Place in the list of live requests; −1: not in it. */
    int liveIndex = -1;
    boolean started;
    boolean forked;
    boolean paused;
    long pausedNanos;
    boolean ended;
    int unfinished;
    int scored;
    int cachedTokens;
    int preemptions;
    private long startedNanos;
    private long firstTokenNanos;
    private boolean firstTokenSeen;
    private long endedNanos;

    /** @param spec checked by {@link RequestCheck}, @param arrivalNanos when it was submitted */
    public Request(EngineRequest spec, Limits limits, RequestListener listener, long arrivalNanos) {
        this.spec = spec;
        this.listener = listener;
        this.arrivalNanos = arrivalNanos;
        int room = limits.maxModelLength() - spec.prompt().length;
        maxNew = Math.min(spec.maxTokens().orElse(room), room);
        contextIsLimit = spec.maxTokens().isEmpty() || spec.maxTokens().getAsInt() > room;
        eosIds = spec.eosIds().stream().mapToInt(Integer::intValue).toArray();
        stopIds = spec.stopIds().stream().mapToInt(Integer::intValue).toArray();
        List<Sequence> sequences = new ArrayList<>(spec.choices());
        for (int choice = 0; choice < spec.choices(); choice++) sequences.add(new Sequence(this, choice));
        choices = List.copyOf(sequences);
        unfinished = spec.choices();
    }

    public EngineRequest spec() {
        return spec;
    }

    public boolean ended() {
        return ended;
    }

    /** Prompt tokens that the prefix cache held when the request first started. */
    public int cachedTokens() {
        return cachedTokens;
    }

    /** Generated tokens that count, over all choices. */
    public int completionTokens() {
        int sum = 0;
        for (Sequence s : choices) sum += s.generated();
        return sum;
    }

    public int preemptions() {
        return preemptions;
    }

    /** From submission to the first planned step; if there was none, to the end. */
    public long queueNanos() {
        return (started ? startedNanos : endedNanos) - arrivalNanos;
    }

    /** From the first planned step to the first token, or to the end. */
    public long prefillNanos() {
        return started ? (firstTokenSeen ? firstTokenNanos : endedNanos) - startedNanos : 0;
    }

    /** From the first token to the end. */
    public long decodeNanos() {
        return firstTokenSeen ? endedNanos - firstTokenNanos : 0;
    }

    int promptLength() {
        return spec.prompt().length;
    }

    Sequence lead() {
        return choices.getFirst();
    }

    boolean scores() {
        return spec.promptTopLogprobs() >= 0;
    }

    /** Prompt tokens whose log-probabilities are wanted. */
    int toScore() {
        return scores() ? promptLength() - spec.scoreFrom() : 0;
    }

    void start(long nowNanos, int cached) {
        started = true;
        startedNanos = nowNanos;
        cachedTokens = cached;
        listener.started(cached);
        if (scores() && toScore() == 0) listener.promptScored();
    }

    void sawToken(long nowNanos) {
        if (firstTokenSeen) return;
        firstTokenSeen = true;
        firstTokenNanos = nowNanos;
    }

    void end(long nowNanos) {
        ended = true;
        endedNanos = nowNanos;
    }
}
