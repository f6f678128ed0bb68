package dev.skald.service;

import dev.skald.engine.RequestHandle;
import dev.skald.engine.TokenEvent;
import dev.skald.engine.TokenLogprob;
import dev.skald.engine.TokenSink;
import dev.skald.schedule.EngineRequest;
import dev.skald.schedule.Failure;
import dev.skald.schedule.FinishReason;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** An engine that says what the test tells it to, on the test's thread, and remembers what it was told. */
final class ScriptedEngine implements Submitter {
    static final TokenEvent.Timings TIMINGS = new TokenEvent.Timings(1, 2, 3, 0);

    private final BlockingQueue<Running> submitted = new LinkedBlockingQueue<>();

    /** One request: the script's side of it. */
    static final class Running implements RequestHandle {
        final EngineRequest request;
        final TokenSink sink;
        final List<String> calls = new CopyOnWriteArrayList<>();
        private final int[] sent;

        Running(EngineRequest request, TokenSink sink) {
            this.request = request;
            this.sink = sink;
            this.sent = new int[request.choices()];
        }

        @Override
        public void cancel(Failure failure) {
            calls.add("cancel " + failure.kind());
            // Closing waits for this answer; other kinds are answered by the test.
            if (failure.kind() == Failure.Kind.UNAVAILABLE) failed(failure);
        }

        @Override
        public void finish(int choice, int atToken) {
            calls.add("finish " + choice + " at " + atToken);
        }

        @Override
        public void pause() {
            calls.add("pause");
        }

        @Override
        public void resume() {
            calls.add("resume");
        }

        void start() {
            sink.accept(new TokenEvent.Admitted());
            sink.accept(new TokenEvent.Started(request.prompt().length, 0));
        }

        void tokens(int choice, int... ids) {
            for (int id : ids) {
                Optional<TokenLogprob> logprob = request.topLogprobs() < 0
                        ? Optional.empty()
                        : Optional.of(new TokenLogprob(id, -0.5f, 1, new int[] {id, 1}, new float[] {-0.5f, -1}));
                sink.accept(new TokenEvent.Token(choice, sent[choice]++, id, logprob));
            }
        }

        void finished(int choice, FinishReason reason, OptionalInt id) {
            sink.accept(new TokenEvent.Finished(choice, reason, sent[choice], id));
        }

        void completed() {
            int all = java.util.stream.IntStream.of(sent).sum();
            sink.accept(new TokenEvent.Completed(new TokenEvent.Usage(request.prompt().length, all, 0), TIMINGS));
        }

        void failed(Failure failure) {
            sink.accept(new TokenEvent.Failed(failure, new TokenEvent.Usage(request.prompt().length, 0, 0), TIMINGS));
        }
    }

    @Override
    public RequestHandle submit(EngineRequest request, TokenSink sink) {
        Running running = new Running(request, sink);
        submitted.add(running);
        return running;
    }

    /** The next request, once it has come. */
    Running next() throws InterruptedException {
        Running running = submitted.poll(20, TimeUnit.SECONDS);
        if (running == null) throw new AssertionError("no request reached the engine");
        return running;
    }

    boolean isEmpty() {
        return submitted.isEmpty();
    }
}
