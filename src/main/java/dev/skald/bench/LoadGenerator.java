package dev.skald.bench;

import dev.skald.service.Inference;
import dev.skald.service.InferenceEvent;
import dev.skald.service.InferenceException;
import dev.skald.service.InferenceRequest;
import dev.skald.service.Prompt;
import dev.skald.service.SamplingOptions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;

/** Puts a load on whatever answers {@link Inference}, and reports what its clients saw. Each client is a virtual thread. */
public final class LoadGenerator {
    private static final SamplingOptions GREEDY = new SamplingOptions(
            Optional.of(0f), OptionalInt.empty(), Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty(),
            Map.of(), List.of(), List.of(), OptionalLong.of(0), 1);

    /** What one client saw. Its own thread adds up; the arrays of a request are written by the thread that brings events. */
    private static final class Client {
        final Samples ttft = new Samples();
        final Samples itl = new Samples();
        final Map<InferenceException.Kind, Integer> errors = new TreeMap<>();
        String firstError = "";
        int completed;
        long tokens;
    }

    /** One request. Events come one at a time; the client reads after {@link #ended}. */
    private static final class Exchange {
        final CountDownLatch ended = new CountDownLatch(1);
        final Samples itl = new Samples();
        final long sent = System.nanoTime();
        long first = -1;
        long last;
        int tokens;
        Optional<InferenceException> failure = Optional.empty();

        void take(InferenceEvent event) {
            switch (event) {
                case InferenceEvent.Delta delta -> take(delta.ids().size());
                case InferenceEvent.Completed completed -> ended.countDown();
                case InferenceEvent.Failed failed -> {
                    failure = Optional.of(failed.cause());
                    ended.countDown();
                }
                case InferenceEvent.Admitted a -> {}
                case InferenceEvent.Started s -> {}
                case InferenceEvent.PromptScored p -> {}
                case InferenceEvent.Finished f -> {}
            }
        }

        private void take(int ids) {
            if (ids == 0) return;
            long now = System.nanoTime();
            if (first < 0) {
                first = now;
            } else {
                for (int i = 0; i < ids; i++) itl.add((now - last) * 1e-6 / ids);
            }
            last = now;
            tokens += ids;
        }
    }

    private final Inference inference;
    private final LoadSettings settings;
    private final AtomicInteger next = new AtomicInteger();
    /** Of this run alone: request ids must not meet those of another generator on the same server. */
    private final String idPrefix = "load-" + UUID.randomUUID() + "-";

    public LoadGenerator(Inference inference, LoadSettings settings) {
        this.inference = inference;
        this.settings = settings;
    }

    /** Returns when every request has ended. A refused or failed request is counted, and its client goes on with the next. */
    public LoadReport run() throws InterruptedException {
        int vocabulary = inference.model().vocabularySize();
        List<Client> clients = new ArrayList<>();
        List<Thread> threads = new ArrayList<>();
        long start = System.nanoTime();
        for (int i = 0; i < settings.clients(); i++) {
            Client client = new Client();
            clients.add(client);
            threads.add(Thread.ofVirtual().name("client-" + i).start(() -> work(client, vocabulary)));
        }
        try {
            for (Thread thread : threads) thread.join();
        } catch (InterruptedException e) {
            threads.forEach(Thread::interrupt);
            throw e;
        }
        return report(clients, (System.nanoTime() - start) * 1e-9);
    }

    private void work(Client client, int vocabulary) {
        for (int index = next.getAndIncrement(); index < settings.requests(); index = next.getAndIncrement()) {
            Exchange exchange = new Exchange();
            var call = inference.start(request(index, vocabulary), exchange::take);
            try {
                exchange.ended.await();
            } catch (InterruptedException e) {
                call.cancel();
                return;
            }
            client.tokens += exchange.tokens;
            if (exchange.first >= 0) client.ttft.add((exchange.first - exchange.sent) * 1e-6);
            client.itl.addAll(exchange.itl);
            exchange.failure.ifPresentOrElse(
                    e -> {
                        client.errors.merge(e.kind(), 1, Integer::sum);
                        if (client.firstError.isEmpty()) client.firstError = e.getMessage();
                    },
                    () -> client.completed++);
        }
    }

    private InferenceRequest request(int index, int vocabulary) {
        // Drawn from seed and index, so that the prompts don't depend on which client was free.
        SplittableRandom random = new SplittableRandom(settings.seed() * 0x9E3779B97F4A7C15L + index);
        List<Integer> ids = random.ints(settings.promptTokens(), 0, vocabulary).boxed().toList();
        return new InferenceRequest(
                idPrefix + index,
                "",
                new Prompt.TokenIds(ids),
                GREEDY,
                new InferenceRequest.Stopping(OptionalInt.of(settings.genTokens()), 0, List.of(), List.of(), false, true),
                InferenceRequest.Output.DEFAULT,
                0,
                Optional.empty(),
                OptionalLong.empty(),
                "",
                false,
                false);
    }

    private LoadReport report(List<Client> clients, double seconds) {
        Samples ttft = new Samples();
        Samples itl = new Samples();
        TreeMap<InferenceException.Kind, Integer> errors = new TreeMap<>();
        String firstError = "";
        int completed = 0;
        long tokens = 0;
        for (Client client : clients) {
            ttft.addAll(client.ttft);
            itl.addAll(client.itl);
            client.errors.forEach((kind, count) -> errors.merge(kind, count, Integer::sum));
            if (firstError.isEmpty()) firstError = client.firstError;
            completed += client.completed;
            tokens += client.tokens;
        }
        return new LoadReport(
                inference.model().name(), settings, seconds, completed, tokens, LoadReport.Percentiles.of(ttft),
                LoadReport.Percentiles.of(itl), errors, firstError);
    }
}
