package dev.skald.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.skald.schedule.EngineRequest;
import dev.skald.schedule.Failure;
import dev.skald.schedule.FinishReason;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * One request's client and its text side, which reads events some turns after they were sent and then ends choices at their "stop string". In the
 * end it compares everything it saw with what the model must have said.
 */
final class SimulatedClient implements TokenSink {
    private record Sent(TokenEvent event, long turn) {}

    final EngineRequest request;
    final boolean stopString;
    /** How many turns events take to the text side. */
    final int delay;
    /** Failures that this client's doings or wishes may have caused. */
    final Set<Failure.Kind> excuses = EnumSet.noneOf(Failure.Kind.class);
    Optional<RequestHandle> handle = Optional.empty();
    boolean paused;
    long resumeTurn;

    private final int maxModelLength;
    private final ArrayDeque<Sent> inbox = new ArrayDeque<>();
    private final List<List<Integer>> texts = new ArrayList<>();
    private final List<Optional<FinishReason>> reasons = new ArrayList<>();
    private final boolean[] engineFinished;
    private long turn;
    private boolean admitted;
    private boolean started;
    private boolean scored;
    private boolean lastSent;
    private Optional<TokenEvent> last = Optional.empty();

    SimulatedClient(EngineRequest request, boolean stopString, int delay, int maxModelLength) {
        this.request = request;
        this.stopString = stopString;
        this.delay = delay;
        this.maxModelLength = maxModelLength;
        engineFinished = new boolean[request.choices()];
        for (int i = 0; i < request.choices(); i++) {
            texts.add(new ArrayList<>());
            reasons.add(Optional.empty());
        }
    }

    @Override
    public void accept(TokenEvent event) {
        assertFalse(lastSent, () -> request.id() + " got " + event + " after its last event");
        if (event instanceof TokenEvent.Completed || event instanceof TokenEvent.Failed) lastSent = true;
        inbox.add(new Sent(event, turn));
    }

    /** Whether the engine has told its last event. */
    boolean over() {
        return lastSent;
    }

    Optional<TokenEvent> last() {
        return last;
    }

    List<Integer> text(int choice) {
        return texts.get(choice);
    }

    /** The text side reads what has arrived. */
    void read(long now) {
        turn = now;
        while (!inbox.isEmpty() && now - inbox.peek().turn >= delay) handle(inbox.poll().event);
    }

    void readAll() {
        while (!inbox.isEmpty()) handle(inbox.poll().event);
    }

    private void handle(TokenEvent event) {
        switch (event) {
            case TokenEvent.Admitted a -> {
                assertFalse(admitted);
                admitted = true;
            }
            case TokenEvent.Started s -> {
                assertTrue(admitted && !started);
                started = true;
                assertEquals(request.prompt().length, s.promptTokens());
                assertTrue(s.cachedTokens() < request.prompt().length && (!request.cacheBypass() || s.cachedTokens() == 0));
            }
            case TokenEvent.PromptScored p -> scored(p.logprobs());
            case TokenEvent.Token t -> token(t);
            case TokenEvent.Finished f -> finished(f);
            case TokenEvent.Completed c -> completed(c);
            case TokenEvent.Failed f -> failed(f);
        }
    }

    private void scored(List<TokenLogprob> scores) {
        assertTrue(started && !scored);
        scored = true;
        int[] prompt = request.prompt();
        assertEquals(prompt.length - request.scoreFrom(), scores.size());
        long hash = FakeModel.root(request.seed());
        for (int p = 0; p < prompt.length; p++) {
            if (p >= request.scoreFrom()) {
                TokenLogprob score = scores.get(p - request.scoreFrom());
                assertEquals(prompt[p], score.id());
                assertEquals(FakeModel.score(hash, prompt[p]), score.logprob());
            }
            hash = FakeModel.next(hash, prompt[p]);
        }
    }

    private void token(TokenEvent.Token t) {
        List<Integer> text = texts.get(t.choice());
        assertTrue(started && !engineFinished[t.choice()]);
        assertEquals(request.promptTopLogprobs() >= 0, scored, request.id());
        if (reasons.get(t.choice()).isPresent()) return;
        assertEquals(text.size(), t.index(), () -> request.id() + " lost or repeated a token");
        text.add(t.id());
        assertEquals(request.topLogprobs() >= 0, t.logprob().isPresent());
        boolean end = request.eosIds().contains(t.id()) || request.stopIds().contains(t.id());
        int n = text.size();
        if (end || !stopString || n < 2 || !FakeModel.stops(text.get(n - 2), text.get(n - 1))) return;
        reasons.set(t.choice(), Optional.of(FinishReason.STOP));
        handle.orElseThrow().finish(t.choice(), t.index());
    }

    private void finished(TokenEvent.Finished f) {
        assertFalse(engineFinished[f.choice()]);
        engineFinished[f.choice()] = true;
        if (reasons.get(f.choice()).isPresent()) return;
        reasons.set(f.choice(), Optional.of(f.reason()));
        assertEquals(texts.get(f.choice()).size(), f.tokens());
    }

    private void completed(TokenEvent.Completed c) {
        last = Optional.of(c);
        int tokens = 0;
        for (int choice = 0; choice < request.choices(); choice++) {
            assertTrue(engineFinished[choice]);
            FakeModel.Text wanted = FakeModel.text(request, choice, stopString, maxModelLength);
            assertEquals(wanted.ids(), texts.get(choice), () -> "text of " + request.id());
            assertEquals(wanted.reason(), reasons.get(choice).orElseThrow(), () -> "reason of " + request.id());
            tokens += wanted.ids().size();
        }
        if (!stopString) assertEquals(tokens, c.usage().completionTokens());
        else assertTrue(tokens <= c.usage().completionTokens());
        assertFalse(spoilt(), () -> request.id() + " had a spoilt row");
    }

    private void failed(TokenEvent.Failed f) {
        last = Optional.of(f);
        if (!(f.failure().kind() == Failure.Kind.INTERNAL && spoilt())) {
            assertTrue(excuses.contains(f.failure().kind()), () -> request.id() + " failed without cause: " + f.failure());
        }
        for (int choice = 0; choice < request.choices(); choice++) {
            List<Integer> wanted = FakeModel.text(request, choice, stopString, maxModelLength).ids();
            List<Integer> got = texts.get(choice);
            assertEquals(wanted.subList(0, Math.min(got.size(), wanted.size())), got, () -> "text so far of " + request.id());
        }
    }

    private boolean spoilt() {
        return FakeModel.spoilt(request.seed(), 0, 3) && FakeModel.text(request, 0, stopString, maxModelLength).ids().size() > 3;
    }
}
