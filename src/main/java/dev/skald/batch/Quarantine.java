package dev.skald.batch;

import dev.skald.batch.LineReader.Line;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Runs the lines that were under way in two crashes one at a time, in a process that may die of them. One that does goes to the error file;
 * the others are answered like any line. Only a death that this process has lived to see counts as the line's own at once: if both are killed,
 * nobody knows whose fault it was. Belongs to the job's thread.
 */
final class Quarantine {
    private static final Set<Integer> ASKED_TO_END = Set.of(128 + 2, 128 + 15);
    private static final int KILLED = 128 + 9;
    /** The system kills what takes too much memory, and people kill what they mistake: once may be chance. */
    private static final int TIMES_KILLED = 2;
    private static final int MAX_STARTS_FOR_NOTHING = 3;

    private final AloneLauncher launcher;
    private final ModelFacts expected;
    private final Journal journal;
    private final RunLoop.Books books;
    private final boolean ordered;
    private final LineParser parser;
    private final Progress progress;
    private final Stop stop;
    private Optional<AloneProcess> process = Optional.empty();
    private int nothing;

    /** @param ordered whether answers are kept in {@code books} until their turn comes */
    Quarantine(
            AloneLauncher launcher, ModelFacts expected, Journal journal, RunLoop.Books books, boolean ordered, LineParser parser, Progress progress,
            Stop stop) {
        this.launcher = launcher;
        this.expected = expected;
        this.journal = journal;
        this.books = books;
        this.ordered = ordered;
        this.parser = parser;
        this.progress = progress;
        this.stop = stop;
    }

    /** Returns when all are done, or an end was asked for. */
    void run(List<Line> suspects) throws IOException, InterruptedException {
        progress.say(suspects.size() + (suspects.size() == 1 ? " line was" : " lines were") + " under way in two crashes; one at a time now, in a process of their own");
        try {
            for (Line line : suspects) {
                if (stop.why().isPresent()) return;
                if (parser.parse(line) instanceof Parsed.Accepted(Item item)) run(line, item);
                books.checkpointer().tick();
            }
        } finally {
            process.ifPresent(AloneProcess::close);
        }
    }

    private void run(Line line, Item item) throws IOException, InterruptedException {
        int killed = 0;
        item.deaths = journal.deaths(line.number());
        item.deathsAlone = journal.deathsAlone(line.number());
        if (item.deathsAlone >= Verdict.MAX_DEATHS_ALONE) {
            convict(item, "nobody has seen how");
            return;
        }
        while (true) {
            AloneProcess alone = open();
            if (stop.why().isPresent()) return;
            int slot = books.table().set(line.number(), true);
            Optional<AloneProcess.Reply> reply = alone.ask(line, stop);
            if (reply.isPresent()) {
                take(item, reply.get());
                books.table().clear(slot);
                return;
            }
            if (stop.why().isPresent()) {
                books.table().clear(slot);
                return;
            }
            int code = alone.exitCode();
            process = Optional.empty();
            boolean itsOwn = !ASKED_TO_END.contains(code);
            if (itsOwn) {
                journal.died(0, List.of(), List.of(item.line));
                item.deathsAlone++;
                if (code != KILLED || ++killed >= TIMES_KILLED) {
                    convict(item, "the process that ran it ended with code " + code + (code > 128 ? " (signal " + (code - 128) + ")" : ""));
                    books.table().clear(slot);
                    return;
                }
            } else if (++nothing >= MAX_STARTS_FOR_NOTHING) {
                throw new BatchException(BatchException.Kind.UNFINISHED, "somebody ends the process that runs lines alone, with signal " + (code - 128)
                        + "; the same command goes on");
            }
            books.table().clear(slot);
        }
    }

    private AloneProcess open() throws IOException, InterruptedException {
        if (process.isPresent()) return process.get();
        AloneProcess started = new AloneProcess(launcher);
        process = Optional.of(started);
        Optional<ModelFacts> facts = started.facts(stop);
        if (stop.why().isPresent()) return started;
        if (facts.isEmpty()) {
            throw new BatchException(BatchException.Kind.FAILED, "the process that runs suspected lines alone did not start; it ended with code " + started.exitCode());
        }
        Optional<String> difference = expected.difference(facts.get());
        if (difference.isPresent()) throw JobCheck.refused(List.of(difference.get()));
        return started;
    }

    private void take(Item item, AloneProcess.Reply reply) throws IOException {
        if (!reply.answered()) {
            books.ledger().errorEarly(item.line, reply.record());
            books.tally().failed++;
        } else if (ordered) {
            books.kept().put(item.line, reply.record());
            books.tally().add(reply.usage());
        } else {
            books.ledger().answerEarly(item.line, reply.record());
            books.tally().add(reply.usage());
        }
    }

    private void convict(Item item, String how) throws IOException {
        books.ledger().errorEarly(item.line, Records.error(item.line, Optional.of(item.customId), Optional.empty(), Verdict.poison(item, how)));
        books.tally().failed++;
        progress.say("line " + item.line + " crashes whatever runs it; it is in the error file");
    }

}
