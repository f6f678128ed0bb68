package dev.skald.batch;

import dev.skald.batch.LineReader.Line;
import dev.skald.openai.Json;
import dev.skald.service.InferenceEvent.Usage;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** The other end of an {@link AloneServer}. Belongs to the job's thread; a thread of its own reads. */
final class AloneProcess implements AutoCloseable {
    private static final long LOOK_MILLIS = 100;

    /** What it said: a line, or, empty, its end. */
    private final BlockingQueue<Optional<byte[]>> said = new LinkedBlockingQueue<>();
    private final Process process;

    AloneProcess(AloneLauncher launcher) throws IOException {
        process = launcher.start();
        Thread.ofVirtual().name("skald-batch-alone").start(this::listen);
    }

    private void listen() {
        try (LineReader lines = new LineReader(process.getInputStream(), RecordLog.MAX_RECORD_BYTES + 64)) {
            for (Optional<Line> line = lines.next(); line.isPresent() && lines.terminated(); line = lines.next()) said.add(Optional.of(line.get().bytes()));
        } catch (IOException e) {
            // It is gone, which is what comes next.
        }
        said.add(Optional.empty());
    }

    /** Waits for what it says next. @return empty if it has ended, or {@code stop} was asked for */
    private Optional<byte[]> next(Stop stop) throws InterruptedException {
        while (stop.why().isEmpty()) {
            Optional<byte[]> line = said.poll(LOOK_MILLIS, TimeUnit.MILLISECONDS);
            if (line != null) return line;
        }
        return Optional.empty();
    }

    /** Its first word. */
    Optional<ModelFacts> facts(Stop stop) throws InterruptedException {
        return next(stop).map(line -> ModelFacts.of(Json.object(line)));
    }

    /** @param record for the output if {@code answered}, else for the error file */
    record Reply(boolean answered, Usage usage, byte[] record) {}

    /** @return empty if it died of it, or {@code stop} was asked for */
    Optional<Reply> ask(Line line, Stop stop) throws InterruptedException {
        try {
            OutputStream in = process.getOutputStream();
            in.write((line.number() + "\t").getBytes(StandardCharsets.US_ASCII));
            in.write(line.bytes());
            in.write('\n');
            in.flush();
        } catch (IOException e) {
            return Optional.empty();
        }
        return next(stop).map(AloneProcess::reply);
    }

    private static Reply reply(byte[] said) {
        int tab = 0;
        while (said[tab] != '\t') tab++;
        String[] head = new String(said, 0, tab, StandardCharsets.US_ASCII).split(" ");
        byte[] record = new byte[said.length - tab];
        System.arraycopy(said, tab + 1, record, 0, said.length - tab - 1);
        record[record.length - 1] = '\n';
        Usage usage = new Usage(Integer.parseInt(head[1]), Integer.parseInt(head[2]), Integer.parseInt(head[3]));
        return new Reply(head[0].equals("A"), usage, record);
    }

    /** Waits until it is gone. @return its exit code; 128 + n for signal n */
    int exitCode() throws InterruptedException {
        return process.waitFor();
    }

    /** Ends it, at once. */
    @Override
    public void close() {
        process.destroyForcibly();
    }
}
