package dev.skald.batch;

import dev.skald.openai.Answer;
import dev.skald.openai.Task;
import dev.skald.service.ContinuationScorer;
import dev.skald.service.Inference;
import dev.skald.service.InferenceCall;
import dev.skald.service.InferenceEvent;
import dev.skald.service.InferenceEvent.Usage;
import dev.skald.service.InferenceException;
import dev.skald.service.ScoreEvent;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.function.Consumer;

/**
 * A line given to a lane once. Answers are put together, and made into a record, on whatever threads they come on; what comes of it is
 * reported once.
 */
final class Attempt {
    private static final int SCORED_AT_ONCE = 16;
    /** More choices, or log-probabilities, may be more than a daemon sends in one message; then they come as a stream. */
    private static final int MAX_WHOLE_CHOICES = 4;

    final Item item;
    final Lane lane;
    /** In the {@link RunningTable}. */
    final int slot;
    final boolean alone;
    private final String requestId;
    private final Consumer<Outcome> report;

    private final List<InferenceCall> calls = new ArrayList<>();
    private final List<Answer> answers = new ArrayList<>();
    private int missing;
    private boolean begun;
    private boolean ended;
    private boolean cancelled;

    /** @param requestId unique on every server, among all attempts @param report called once, from any thread, perhaps before {@link #start} returns */
    Attempt(Item item, Lane lane, int slot, boolean alone, String requestId, Consumer<Outcome> report) {
        this.item = item;
        this.lane = lane;
        this.slot = slot;
        this.alone = alone;
        this.requestId = requestId;
        this.report = report;
    }

    String requestId() {
        return requestId;
    }

    /** @param scoring where requests that ask a tokenizer first, perhaps a daemon's, may wait for it */
    void start(Executor scoring) {
        Inference inference = lane.inference();
        switch (item.task) {
            case Task.Generation generation -> generate(inference, generation);
            case Task.Scoring scoringTask -> scoring.execute(() -> score(inference, scoringTask));
        }
    }

    private void generate(Inference inference, Task.Generation task) {
        int parts = task.prompts().size();
        synchronized (this) {
            missing = parts;
            for (int i = 0; i < parts; i++) answers.add(new Answer(task.sampling().n()));
        }
        boolean whole = task.output().topLogprobs() < 0 && task.sampling().n() <= MAX_WHOLE_CHOICES;
        for (int i = 0; i < parts; i++) {
            int part = i;
            String id = parts == 1 ? requestId : requestId + "-" + part;
            attach(inference.start(task.request(part, id, whole), event -> onEvent(task, answers.get(part), event)));
        }
    }

    private void attach(InferenceCall call) {
        boolean late;
        synchronized (this) {
            late = ended || cancelled;
            calls.add(call);
        }
        if (late) call.cancel();
    }

    /** Events of one part come one at a time; only the end of all is shared. */
    private void onEvent(Task.Generation task, Answer answer, InferenceEvent event) {
        if (event instanceof InferenceEvent.Admitted || event instanceof InferenceEvent.Started) begin();
        if (event instanceof InferenceEvent.Failed(InferenceException cause, Usage usage)) {
            fail(cause);
            return;
        }
        if (!answer.take(event)) return;
        synchronized (this) {
            if (--missing > 0) return;
        }
        byte[] record;
        try {
            record = Records.answer(item.customId, requestId, now(), task, answers);
        } catch (RuntimeException e) {
            fail(broken(e));
            return;
        }
        int prompt = answers.stream().mapToInt(a -> a.usage().promptTokens()).sum();
        int completion = answers.stream().mapToInt(a -> a.usage().completionTokens()).sum();
        int cached = answers.stream().mapToInt(a -> a.usage().cachedTokens()).sum();
        end(new Outcome.Answered(this, record, new Usage(prompt, completion, cached), answers.getFirst().fingerprint()));
    }

    private void score(Inference inference, Task.Scoring task) {
        String served = inference.model().name();
        if (!task.model().isEmpty() && !task.model().equals(served)) {
            fail(new InferenceException(InferenceException.Kind.NOT_FOUND, "MODEL_NOT_FOUND", "model",
                    "there is no model \"" + task.model() + "\" here; this server has \"" + served + "\"", Optional.empty()));
            return;
        }
        try {
            attach(new ContinuationScorer(SCORED_AT_ONCE).start(inference, task.request(requestId), event -> {
                switch (event) {
                    case ScoreEvent.Admitted a -> begin();
                    case ScoreEvent.Scored scored -> end(new Outcome.Answered(
                            this, Records.answer(item.customId, requestId, now(), scored), scored.usage(), scored.fingerprint()));
                    case ScoreEvent.Failed failed -> fail(failed.cause());
                }
            }));
        } catch (RuntimeException e) {
            fail(e instanceof InferenceException known ? known : broken(e));
        }
    }

    private static InferenceException broken(RuntimeException e) {
        return new InferenceException(
                InferenceException.Kind.INTERNAL, "ANSWER_NOT_WRITTEN", "", "the answer could not be put into a record: " + e, Optional.empty());
    }

    private static long now() {
        return System.currentTimeMillis() / 1000;
    }

    private synchronized void begin() {
        begun = true;
    }

    private void fail(InferenceException cause) {
        boolean was;
        synchronized (this) {
            was = begun;
        }
        end(new Outcome.Failed(this, cause, was));
    }

    private void end(Outcome outcome) {
        List<InferenceCall> rest;
        synchronized (this) {
            if (ended) return;
            ended = true;
            rest = outcome instanceof Outcome.Failed ? List.copyOf(calls) : List.of();
        }
        rest.forEach(InferenceCall::cancel);
        report.accept(outcome);
    }

    /** It will end as failed, soon. */
    void cancel() {
        List<InferenceCall> running;
        synchronized (this) {
            cancelled = true;
            running = List.copyOf(calls);
        }
        running.forEach(InferenceCall::cancel);
    }
}
