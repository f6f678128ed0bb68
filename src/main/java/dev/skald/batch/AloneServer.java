package dev.skald.batch;

import dev.skald.batch.LineReader.Line;
import dev.skald.openai.Defaults;
import dev.skald.openai.Json;
import dev.skald.service.InferenceEvent.Usage;
import dev.skald.service.InferenceException;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * Runs suspected lines one at a time in a process that may die of them, while another, which gave it the line, lives on and sees how. Says
 * first which model it has. A question is a line number, a tab, and the line; an answer is a letter ({@code A} answered, {@code E} failed),
 * three numbers of tokens (prompt, generated, cached), a tab, and the record. Ends with its input. Belongs to one thread.
 */
public final class AloneServer {
    private final Fleet fleet;
    private final LineParser parser;

    public AloneServer(Fleet fleet, Defaults defaults, long seed) {
        this.fleet = fleet;
        this.parser = new LineParser(defaults, seed);
    }

    /** @return whether the engine has survived it all */
    public boolean run(InputStream in, PrintStream out) throws IOException, InterruptedException {
        out.write(Json.bytes(fleet.facts().json()));
        out.println();
        out.flush();
        try (ExecutorService scoring = Executors.newVirtualThreadPerTaskExecutor()) {
            LineReader questions = new LineReader(in, LineReader.MAX_LINE_BYTES + 32);
            for (Optional<Line> question = questions.next(); question.isPresent(); question = questions.next()) {
                byte[] bytes = question.get().bytes();
                int tab = 0;
                while (bytes[tab] != '\t') tab++;
                int number = Integer.parseInt(new String(bytes, 0, tab, StandardCharsets.US_ASCII));
                byte[] line = java.util.Arrays.copyOfRange(bytes, tab + 1, bytes.length);
                if (!answer(parser.parse(new Line(number, line, false)), scoring, out)) return false;
            }
        }
        return true;
    }

    private boolean answer(Parsed parsed, ExecutorService scoring, PrintStream out) throws IOException, InterruptedException {
        switch (parsed) {
            case Parsed.Rejected no -> write(out, 'E', Usage.NONE, Records.error(no.line(), no.customId(), Optional.empty(), no.cause()));
            case Parsed.Accepted(Item item) -> {
                Lane lane = fleet.lanes().getFirst();
                CompletableFuture<Outcome> last = new CompletableFuture<>();
                new Attempt(item, lane, 0, true, "batch-alone-" + item.line, last::complete).start(scoring);
                switch (get(last)) {
                    case Outcome.Answered answered -> write(out, 'A', answered.usage(), answered.record());
                    case Outcome.Failed failed -> {
                        if (lane.broken().isPresent()) return false;
                        InferenceException cause = failed.cause();
                        write(out, 'E', Usage.NONE, Records.error(item.line, Optional.of(item.customId), Optional.of(failed.attempt().requestId()), cause));
                    }
                }
            }
        }
        return true;
    }

    private static Outcome get(CompletableFuture<Outcome> last) throws InterruptedException {
        try {
            return last.get();
        } catch (ExecutionException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void write(PrintStream out, char letter, Usage usage, byte[] record) throws IOException {
        String head = letter + " " + usage.promptTokens() + " " + usage.completionTokens() + " " + usage.cachedTokens() + "\t";
        out.write(head.getBytes(StandardCharsets.US_ASCII));
        out.write(record);
        out.flush();
    }
}
