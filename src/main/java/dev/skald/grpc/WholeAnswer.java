package dev.skald.grpc;

import dev.skald.service.InferenceCall;
import dev.skald.service.InferenceEvent;
import dev.skald.service.InferenceEvent.Usage;
import dev.skald.service.InferenceException;
import dev.skald.service.InferenceObserver;
import dev.skald.service.InferenceRequest;
import dev.skald.service.Inference;
import io.grpc.stub.ServerCallStreamObserver;
import java.util.Optional;
import java.util.function.Function;

/** Gathers one request's events and answers once. Events come from a text worker, the end of the call from anywhere. */
final class WholeAnswer<R> implements InferenceObserver {
    private final DoorCall<?, R> call;
    private final Answer answer;
    private final Function<Answer, R> projection;
    private boolean ended;
    private Optional<InferenceCall> request = Optional.empty();

    private WholeAnswer(DoorCall<?, R> call, Answer answer, Function<Answer, R> projection) {
        this.call = call;
        this.answer = answer;
        this.projection = projection;
    }

    /** Must be called by the handler itself, before it returns. */
    static <R> void run(
            ServerCallStreamObserver<R> out, DoorCall<?, R> call, Inference inference, InferenceRequest request, int byteLimit,
            Function<Answer, R> projection) {
        WholeAnswer<R> whole = new WholeAnswer<>(call, new Answer(request.sampling().n(), byteLimit), projection);
        out.setOnCancelHandler(whole::stop);
        call.onRefusal(whole::stop);
        whole.attach(inference.start(request, whole));
    }

    @Override
    public synchronized void onEvent(InferenceEvent event) {
        if (ended) return;
        switch (event) {
            case InferenceEvent.Admitted a -> call.admitted();
            case InferenceEvent.Failed(InferenceException cause, Usage usage) -> {
                ended = true;
                call.fail(cause, usage);
            }
            default -> gather(event);
        }
    }

    private void gather(InferenceEvent event) {
        try {
            answer.add(event);
        } catch (InferenceException e) {
            ended = true;
            request.ifPresent(InferenceCall::cancel);
            call.fail(e, Usage.NONE);
            return;
        }
        if (!(event instanceof InferenceEvent.Completed completed)) return;
        ended = true;
        call.account(completed.usage(), Optional.of(completed.timings()));
        try {
            call.sendWhole(projection.apply(answer));
        } catch (RuntimeException e) {
            call.crash(e);
        }
    }

    private void stop() {
        Optional<InferenceCall> running;
        synchronized (this) {
            ended = true;
            running = request;
        }
        running.ifPresent(InferenceCall::cancel);
    }

    private synchronized void attach(InferenceCall running) {
        request = Optional.of(running);
        if (ended) running.cancel();
    }
}
