package dev.skald.cli;

import dev.skald.service.Inference;
import dev.skald.service.InferenceEvent;
import dev.skald.service.InferenceRequest;

/** Runs one request and prints its answer: as text while it comes, or as one JSON line per choice at its end. */
final class AnswerPrinter {
    private final Stdio stdio;
    private final boolean json;
    private final long loadNanos;

    AnswerPrinter(Stdio stdio, boolean json, long loadNanos) {
        this.stdio = stdio;
        this.json = json;
        this.loadNanos = loadNanos;
    }

    /** @return an {@link ExitCode} @throws dev.skald.service.InferenceException if the request failed */
    int print(Inference inference, InferenceRequest request) throws InterruptedException {
        int n = request.sampling().n();
        boolean streams = !json && n == 1;
        Answer answer = new Answer(n);
        AnswerStream events = AnswerStream.start(inference, request);
        boolean last = false;
        try {
            while (!last) {
                InferenceEvent event = events.next();
                last = answer.take(event);
                if (streams && event instanceof InferenceEvent.Delta delta && !delta.text().isEmpty()) {
                    stdio.out().print(delta.text());
                    // Whoever read our output may have gone: then nobody needs the rest.
                    if (stdio.out().checkError()) return ExitCode.FAILED;
                }
            }
        } finally {
            if (!last) events.cancel();
            if (streams) stdio.out().println();
        }
        if (!streams) {
            for (int i = 0; i < n; i++) {
                stdio.out().println(json ? AnswerJson.line(answer, i, request.output().topLogprobs() >= 0, loadNanos) : answer.choices().get(i).text);
            }
        }
        return stdio.out().checkError() ? ExitCode.FAILED : ExitCode.OK;
    }
}
