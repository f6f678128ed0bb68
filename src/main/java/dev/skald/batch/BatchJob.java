package dev.skald.batch;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.skald.batch.LineReader.Line;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;

/**
 * One run of a job, from taking the lock to the summary: what earlier runs have done stays done, and whatever ends this one leaves files from
 * which the next goes on. Belongs to the thread that calls {@link #run}.
 */
public final class BatchJob {
    /** Loads a model, or connects to daemons; called when it is known that there is work, or a model to be compared. */
    @FunctionalInterface
    public interface FleetOpener {
        Fleet open() throws InterruptedException;
    }

    private final BatchPlan plan;
    private final FleetOpener opener;
    private final Optional<AloneLauncher> launcher;
    private final Progress progress;
    private final Stop stop;
    private final String version;
    private final BatchFiles files;
    private final LineParser parser;

    /** @param launcher empty: suspected lines run alone in this process, @param version of Skald, for the journal */
    public BatchJob(BatchPlan plan, FleetOpener opener, Optional<AloneLauncher> launcher, Progress progress, Stop stop, String version) {
        this.plan = plan;
        this.opener = opener;
        this.launcher = launcher;
        this.progress = progress;
        this.stop = stop;
        this.version = version;
        files = BatchFiles.of(plan.output());
        parser = new LineParser(plan.defaults(), plan.seed());
    }

    /**
     * @param standard input, read where the plan names no file
     * @throws BatchException in one sentence, if the job can't begin or can't go on
     */
    public Summary run(InputStream standard) throws InterruptedException {
        plan.run().timeLimit().ifPresent(stop::after);
        Path folder = files.output().getParent();
        if (!Files.isDirectory(folder)) throw new BatchException(BatchException.Kind.FAILED, "there is no folder " + folder + " for the output");
        try (RunningTable table = RunningTable.open(files.running(), files.output())) {
            Source source = source(standard);
            InputFacts input = read(source);
            return run(table, source, input);
        } catch (IOException e) {
            throw stuck(e);
        }
    }

    private Source source(InputStream standard) throws IOException {
        if (plan.input().isEmpty()) return Source.ofStandard(standard, files);
        Path file = plan.input().get().toAbsolutePath().normalize();
        if (List.of(files.output(), files.errors(), files.journal(), files.running()).contains(file)) {
            throw new BatchException(BatchException.Kind.REFUSED, "the input " + plan.input().get() + " is one of the job's own files: name another output");
        }
        return Source.ofFile(file);
    }

    private InputFacts read(Source source) {
        try {
            return InputFacts.read(source);
        } catch (NoSuchFileException e) {
            throw new BatchException(BatchException.Kind.FAILED, "there is no input " + source.file(), e);
        } catch (IOException e) {
            throw new BatchException(BatchException.Kind.FAILED, "can't read the input " + source.file() + ": " + e.getMessage(), e);
        }
    }

    private Summary run(RunningTable table, Source source, InputFacts input) throws IOException, InterruptedException {
        ObjectNode header = JobCheck.header(input, plan);
        Optional<Journal> existing = existing();
        try {
            if (existing.isPresent()) {
                header.set("job", existing.get().header().path("job"));
                List<String> changes = JobCheck.changes(existing.get().header(), header);
                if (!changes.isEmpty() && !plan.force()) throw JobCheck.refused(changes);
                countDeaths(existing.get(), table);
            }
            try (Begun begun = existing.isPresent() ? resume(existing.get(), header, table, input) : start(header, table, input)) {
                return run(begun, source, input);
            }
        } finally {
            if (existing.isPresent()) existing.get().close();
        }
    }

    private Optional<Journal> existing() throws IOException {
        if (Files.exists(files.journal())) return Optional.of(Journal.open(files.journal()));
        for (Path file : List.of(files.output(), files.errors())) {
            if (Files.exists(file) && Files.size(file) > 0 && !plan.force()) {
                throw new BatchException(BatchException.Kind.REFUSED, file + " exists, and no journal beside it says what it is: name another output; "
                        + "--force keeps what it holds and adds what is missing");
            }
        }
        return Optional.empty();
    }

    /** Whatever stands in the table was under way when a run died, unless its record got through. */
    private void countDeaths(Journal journal, RunningTable table) throws IOException {
        RunningTable.Left left = table.left();
        List<Integer> together = new ArrayList<>();
        List<Integer> alone = new ArrayList<>();
        left.lines().forEach((line, wasAlone) -> (wasAlone ? alone : together).add(line));
        journal.died(left.run(), together, alone);
    }

    /** What is open while a run lasts. @param fleet empty: not yet */
    private record Begun(Journal journal, Ledger ledger, RunningTable table, long run, ObjectNode header, Optional<Fleet> fleet) implements AutoCloseable {
        @Override
        public void close() throws IOException {
            fleet.ifPresent(Fleet::close);
            ledger.close();
            journal.close();
        }
    }

    private Begun start(ObjectNode header, RunningTable table, InputFacts input) throws IOException, InterruptedException {
        Fleet fleet = opener.open();
        try {
            header.set("model", fleet.facts().json());
            long run = newRun(table);
            // The header first: an output without one would be nobody's.
            Journal journal = Journal.create(files.journal(), header);
            Ledger ledger = Ledger.open(files, input.index(), Journal.Checkpoint.NONE, !plan.force());
            BatchFiles.forceFolder(files.output());
            journal.started(run, version);
            return new Begun(journal, ledger, table, run, header, Optional.of(fleet));
        } catch (IOException | RuntimeException e) {
            fleet.close();
            throw e;
        }
    }

    private Begun resume(Journal journal, ObjectNode header, RunningTable table, InputFacts input) throws IOException {
        if (plan.retryErrors()) forgetErrors(journal);
        // Suspects are known by their line: in another input that means nothing.
        if (!journal.header().at("/input/sha256").equals(header.at("/input/sha256"))) journal.forgive();
        Ledger ledger = Ledger.open(files, input.index(), journal.checkpoint(), !plan.force());
        Journal.Checkpoint here = new Journal.Checkpoint(ledger.output().length(), ledger.errors().length());
        if (here.outputBytes() < journal.checkpoint().outputBytes()) {
            progress.say("the output is shorter than it was at the last checkpoint; what is missing is computed again");
        }
        if (!here.equals(journal.checkpoint())) {
            ledger.output().force();
            ledger.errors().force();
            journal.checkpoint(here, ledger.answered(), ledger.failed());
        }
        long run = newRun(table);
        journal.started(run, version);
        return new Begun(journal, ledger, table, run, header, Optional.empty());
    }

    private void forgetErrors(Journal journal) throws IOException {
        journal.forgive();
        RecordLog errors = RecordLog.open(files.errors(), 0, told -> {});
        try (errors) {
            errors.clear();
        }
        journal.checkpoint(new Journal.Checkpoint(journal.checkpoint().outputBytes(), 0), 0, 0);
    }

    private static long newRun(RunningTable table) throws IOException {
        long run = ThreadLocalRandom.current().nextLong(1, Long.MAX_VALUE);
        table.begin(run);
        return run;
    }

    private Summary run(Begun begun, Source source, InputFacts input) throws IOException, InterruptedException {
        int last = input.index().lastLine();
        int from = plan.shard().from(last);
        int to = plan.shard().to(last);
        Ledger ledger = begun.ledger();
        int lines = input.index().count(from, to);
        int before = ledger.answered() + ledger.failed() - ledger.strangers();
        progress.say(String.format(java.util.Locale.ROOT, "batch    %,d lines%s, %,d done before", lines,
                plan.shard().of() == 1 ? "" : " (shard " + plan.shard() + ")", before));
        Tally tally = new Tally();
        long began = System.nanoTime();
        Ending ending;
        try (Checkpointer checkpointer = new Checkpointer(begun.journal(), ledger)) {
            RunLoop.Books books = new RunLoop.Books(ledger, begun.table(), checkpointer, tally, new HashMap<>());
            progress.begin(lines, before);
            quarantine(begun, books, source);
            Fleet fleet = begun.fleet().isPresent() ? begun.fleet().get() : opener.open();
            try (fleet) {
                checkModel(begun, fleet);
                began = System.nanoTime();
                ending = answer(begun, books, fleet, source, input, line -> line >= from && line <= to && !ledger.isDone(line));
            }
            end(begun, checkpointer, ending);
        } catch (IOException e) {
            // A disk that is full is no line's fault.
            leaveInOrder(begun);
            ending = new Ending.Unfinished(stuck(e).getMessage());
        } catch (BatchException e) {
            leaveInOrder(begun);
            throw e;
        }
        progress.clear();
        if (ending instanceof Ending.Complete && plan.input().isEmpty()) Files.deleteIfExists(files.spool());
        double seconds = (System.nanoTime() - began) * 1e-9;
        return new Summary(ending, plan.output(), files.errors(), lines, ledger.answered(), ledger.failed(), before, Summary.Counts.of(tally), seconds);
    }

    private void quarantine(Begun begun, RunLoop.Books books, Source source) throws IOException, InterruptedException {
        Set<Integer> suspects = begun.journal().suspects(Verdict.SUSPECT_DEATHS);
        suspects.removeIf(begun.ledger()::isDone);
        if (suspects.isEmpty() || launcher.isEmpty()) return;
        List<Line> lines = new ArrayList<>();
        try (LineReader reader = new LineReader(source.open())) {
            for (Optional<Line> line = reader.next(); line.isPresent(); line = reader.next()) {
                if (suspects.contains(line.get().number())) lines.add(line.get());
            }
        }
        ModelFacts expected = JobCheck.model(begun.journal().header()).orElseThrow();
        new Quarantine(launcher.get(), expected, begun.journal(), books, plan.run().ordered(), parser, progress, stop).run(lines);
    }

    private void checkModel(Begun begun, Fleet fleet) throws IOException {
        ObjectNode was = begun.journal().header();
        ObjectNode is = begun.header().deepCopy();
        is.set("model", fleet.facts().json());
        Optional<String> difference = JobCheck.model(was).flatMap(model -> model.difference(fleet.facts()));
        if (difference.isPresent() && !plan.force()) throw JobCheck.refused(List.of(difference.get()));
        boolean changed = difference.isPresent() || !JobCheck.changes(was, is).isEmpty();
        if (changed) begun.journal().replaceHeader(is);
    }

    private Ending answer(
            Begun begun, RunLoop.Books books, Fleet fleet, Source source, InputFacts input, java.util.function.IntPredicate wanted)
            throws IOException, InterruptedException {
        WindowReader.Size size = new WindowReader.Size(plan.run().window(), WindowReader.Size.DEFAULT.bytes());
        try (WindowReader reader = new WindowReader(new LineReader(source.open()), parser.withDeaths(begun.journal()), input.index(), wanted, size)) {
            String name = begun.header().path("job").asText() + Long.toHexString(begun.run() & 0xffff);
            return new RunLoop(plan.run(), fleet, books, reader, progress, stop, name).run();
        }
    }

    /** Everything durable, then nothing under way any more: unless an engine broke, and what it had is under suspicion. */
    private void end(Begun begun, Checkpointer checkpointer, Ending ending) throws IOException {
        checkpointer.now();
        begun.journal().ended(switch (ending) {
            case Ending.Complete c -> "complete";
            case Ending.Unfinished u -> u.sentence();
            case Ending.Broken b -> b.sentence();
        });
        if (!(ending instanceof Ending.Broken)) begun.table().begin(begun.run());
    }

    private void leaveInOrder(Begun begun) {
        try {
            begun.table().begin(begun.run());
        } catch (IOException e) {
            progress.say("the table of lines under way could not be emptied either: " + e.getMessage());
        }
    }

    private BatchException stuck(IOException e) {
        String said = e instanceof AccessDeniedException denied ? denied.getFile() + ": permission denied" : e.getMessage() == null ? e.toString() : e.getMessage();
        boolean full = said.contains("No space left") || said.contains("quota") || said.contains("File too large");
        return new BatchException(BatchException.Kind.UNFINISHED, "can't write " + plan.output() + " or a file beside it: " + said + "; "
                + (full ? "make room, then run the same command again" : "mend that, then run the same command again") + "; nothing is lost", e);
    }
}
