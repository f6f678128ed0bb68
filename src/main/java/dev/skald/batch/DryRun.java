package dev.skald.batch;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.skald.batch.LineReader.Line;
import dev.skald.openai.Json;
import dev.skald.openai.Task;
import dev.skald.service.Inference;
import dev.skald.service.InferenceException;
import dev.skald.service.Prompt;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * Looks at a job without beginning it: counts lines and what is wrong with them, counts the prompts' tokens, answers a sample spread over the
 * input, and writes nothing. The estimate is the sample's pace. Belongs to the thread that calls {@link #run}.
 */
public final class DryRun {
    private static final int SAMPLE_LINES = 256;
    private static final long SAMPLE_NANOS = TimeUnit.SECONDS.toNanos(10);
    /** Of a daemon every count is a call: more lines than this are counted by a sample. */
    private static final int REMOTE_COUNTS = 2000;

    private final BatchPlan plan;
    private final Fleet fleet;
    private final Map<String, Integer> rejected = new TreeMap<>();
    private final List<Item> sample = new ArrayList<>();
    private int lines;
    private int counted;
    private long promptTokens;
    private int sampleAnswered;
    private long sampleTokens;
    private double sampleSeconds;

    public DryRun(BatchPlan plan, Fleet fleet) {
        this.plan = plan;
        this.fleet = fleet;
    }

    /** @return one JSON object @throws BatchException if the input can't be read */
    public String run() throws InterruptedException {
        Source source = Source.ofFile(plan.input().orElseThrow(
                () -> new BatchException(BatchException.Kind.REFUSED, "--dry-run reads its input twice: standard input can't be")));
        try {
            look(source, InputFacts.read(source).index());
        } catch (IOException e) {
            throw new BatchException(BatchException.Kind.FAILED, "can't read the input " + source.file() + ": " + e.getMessage(), e);
        }
        answerSample();
        return json();
    }

    private void look(Source source, LineIndex index) throws IOException {
        int from = plan.shard().from(index.lastLine());
        int to = plan.shard().to(index.lastLine());
        lines = index.count(from, to);
        int stride = Math.max(1, lines / SAMPLE_LINES);
        boolean remote = fleet.lanes().getFirst().remote();
        int countStride = remote ? Math.max(1, Math.ceilDiv(lines, REMOTE_COUNTS)) : 1;
        LineParser parser = new LineParser(plan.defaults(), plan.seed());
        int accepted = 0;
        try (LineReader reader = new LineReader(source.open())) {
            for (Optional<Line> line = reader.next(); line.isPresent(); line = reader.next()) {
                Line l = line.get();
                if (l.isBlank() || l.number() < from || l.number() > to) continue;
                if (index.isTwin(l.number())) {
                    rejected.merge("duplicate_custom_id", 1, Integer::sum);
                    continue;
                }
                switch (parser.parse(l)) {
                    case Parsed.Rejected no -> rejected.merge(no.cause().reason().toLowerCase(java.util.Locale.ROOT), 1, Integer::sum);
                    case Parsed.Accepted(Item item) -> {
                        if (accepted % countStride == 0) count(item);
                        if (accepted % stride == 0 && sample.size() < SAMPLE_LINES) sample.add(item);
                        accepted++;
                    }
                }
            }
        }
    }

    private void count(Item item) {
        counted++;
        Inference inference = fleet.inference();
        try {
            switch (item.task) {
                case Task.Generation generation -> {
                    for (Prompt prompt : generation.prompts()) promptTokens += tokens(inference, prompt);
                }
                case Task.Scoring scoring -> promptTokens += (long) tokens(inference, scoring.prompt()) * scoring.continuations().size();
            }
        } catch (InferenceException e) {
            counted--;
        }
    }

    private static int tokens(Inference inference, Prompt prompt) {
        return switch (prompt) {
            case Prompt.Text(String text) -> inference.tokenize(text, true).ids().size();
            case Prompt.TokenIds(List<Integer> ids) -> ids.size();
            case Prompt.Chat chat -> inference.tokenize(inference.applyTemplate(chat), false).ids().size();
        };
    }

    private void answerSample() throws InterruptedException {
        BlockingQueue<Outcome> outcomes = new LinkedBlockingQueue<>();
        LaneBook lanes = new LaneBook(fleet.lanes());
        List<Attempt> running = new ArrayList<>();
        long begun = System.nanoTime();
        try (ExecutorService scoring = Executors.newVirtualThreadPerTaskExecutor()) {
            int next = 0;
            while (System.nanoTime() - begun < SAMPLE_NANOS && (next < sample.size() || !running.isEmpty())) {
                while (next < sample.size() && lanes.choose(sample.get(next).weight(), System.nanoTime()).isPresent()) {
                    Item item = sample.get(next++);
                    Lane lane = lanes.choose(item.weight(), System.nanoTime()).orElseThrow();
                    Attempt attempt = new Attempt(item, lane, 0, false, "dry-" + Long.toHexString(begun) + "-" + item.line, outcomes::add);
                    running.add(attempt);
                    lanes.begun(lane, item.weight());
                    attempt.start(scoring);
                }
                Outcome outcome = outcomes.poll(50, TimeUnit.MILLISECONDS);
                if (outcome == null) continue;
                running.remove(outcome.attempt());
                lanes.ended(outcome.attempt().lane, outcome.attempt().item.weight());
                take(outcome);
            }
            sampleSeconds = (System.nanoTime() - begun) * 1e-9;
            running.forEach(Attempt::cancel);
        }
    }

    private void take(Outcome outcome) {
        switch (outcome) {
            case Outcome.Answered answered -> {
                sampleAnswered++;
                sampleTokens += answered.usage().completionTokens();
            }
            case Outcome.Failed failed -> rejected.merge("in_sample_" + failed.cause().reason().toLowerCase(java.util.Locale.ROOT), 1, Integer::sum);
        }
    }

    private String json() {
        int bad = rejected.entrySet().stream().filter(e -> !e.getKey().startsWith("in_sample_")).mapToInt(Map.Entry::getValue).sum();
        int good = lines - bad;
        ObjectNode json = Json.newObject();
        json.put("lines", lines);
        json.put("good", good);
        ObjectNode reasons = json.putObject("bad");
        rejected.forEach(reasons::put);
        json.put("prompt_tokens", counted == 0 ? 0 : Math.round((double) promptTokens / counted * good));
        json.put("prompt_tokens_exact", counted == good);
        json.put("sample_lines", sampleAnswered);
        if (sampleAnswered > 0) {
            json.put("estimated_completion_tokens", Math.round((double) sampleTokens / sampleAnswered * good));
            json.put("estimated_seconds", Math.round(sampleSeconds / sampleAnswered * good));
        } else {
            json.putNull("estimated_completion_tokens");
            json.putNull("estimated_seconds");
        }
        return new String(Json.bytes(json), StandardCharsets.UTF_8);
    }
}
