package dev.skald.batch;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.skald.batch.LineReader.Line;
import dev.skald.openai.Json;
import dev.skald.service.InferenceException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What a job is, how far its files are durable, and who died with which lines: JSON objects, one a line, the first of them the header. Every
 * entry is forced to disk before its method returns. Thread-safe.
 */
final class Journal implements AutoCloseable {
    static final int FORMAT = 1;

    /** @param outputBytes and errorBytes that were on disk when it was written */
    record Checkpoint(long outputBytes, long errorBytes) {
        static final Checkpoint NONE = new Checkpoint(0, 0);
    }

    private final Path path;
    private final FileChannel file;
    private ObjectNode header = Json.newObject();
    private long length;
    private Checkpoint checkpoint = Checkpoint.NONE;
    private final Map<Integer, Integer> deaths = new HashMap<>();
    private final Map<Integer, Integer> deathsAlone = new HashMap<>();
    private final Set<Long> countedRuns = new HashSet<>();

    private Journal(Path path, FileChannel file) {
        this.path = path;
        this.file = file;
    }

    /** Makes one whose header is durable and whole, or none. */
    static Journal create(Path path, ObjectNode header) throws IOException {
        Path begun = path.resolveSibling(path.getFileName() + ".begun");
        byte[] line = line(header);
        try (FileChannel out = FileChannel.open(begun, StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.TRUNCATE_EXISTING)) {
            ByteBuffer bytes = ByteBuffer.wrap(line);
            while (bytes.hasRemaining()) out.write(bytes);
            out.force(true);
        }
        Files.move(begun, path, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        BatchFiles.forceFolder(path);
        return open(path);
    }

    /** Reads an existing one; a torn last entry is cut off. @throws BatchException for a file that is no journal */
    static Journal open(Path path) throws IOException {
        FileChannel file = FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE);
        try {
            Journal journal = new Journal(path, file);
            journal.read();
            return journal;
        } catch (IOException | RuntimeException e) {
            file.close();
            throw e;
        }
    }

    private void read() throws IOException {
        long size = file.size();
        LineReader lines = new LineReader(Channels.newInputStream(file));
        for (Optional<Line> line = lines.next(); line.isPresent(); line = lines.next()) {
            long end = lines.consumed();
            Optional<ObjectNode> entry = lines.terminated() ? entry(line.get().bytes()) : Optional.empty();
            if (entry.isEmpty() && end < size || line.get().number() == 1 && !entry.map(e -> e.path("skald_batch").asInt() == FORMAT).orElse(false)) {
                throw new BatchException(BatchException.Kind.FAILED, path + " is not a journal that this release can read: line " + line.get().number());
            }
            if (entry.isEmpty()) break;
            take(entry.get(), line.get().number());
            length = end;
        }
        if (length == 0) throw new BatchException(BatchException.Kind.FAILED, path + " is empty");
        file.truncate(length);
    }

    private static Optional<ObjectNode> entry(byte[] bytes) {
        try {
            return Optional.of(Json.object(bytes));
        } catch (InferenceException e) {
            return Optional.empty();
        }
    }

    private void take(ObjectNode entry, int number) {
        if (number == 1 || entry.has("skald_batch")) {
            header = entry;
        } else if (entry.has("checkpoint")) {
            JsonNode c = entry.get("checkpoint");
            checkpoint = new Checkpoint(c.path("output_bytes").asLong(), c.path("error_bytes").asLong());
        } else if (entry.has("died")) {
            JsonNode died = entry.get("died");
            if (died.has("run")) countedRuns.add(died.get("run").asLong());
            died.path("together").forEach(line -> deaths.merge(line.asInt(), 1, Integer::sum));
            died.path("alone").forEach(line -> deathsAlone.merge(line.asInt(), 1, Integer::sum));
        } else if (entry.has("forgiven")) {
            deaths.clear();
            deathsAlone.clear();
        }
    }

    /** The newest header. */
    synchronized ObjectNode header() {
        return header.deepCopy();
    }

    /** From here on the job is another: somebody has forced it. */
    synchronized void replaceHeader(ObjectNode next) throws IOException {
        append(next);
        header = next.deepCopy();
    }

    synchronized Checkpoint checkpoint() {
        return checkpoint;
    }

    /** Times that a run died with the line under way among others. */
    synchronized int deaths(int line) {
        return deaths.getOrDefault(line, 0);
    }

    synchronized int deathsAlone(int line) {
        return deathsAlone.getOrDefault(line, 0);
    }

    /** Lines that runs have died with, together or alone. */
    synchronized Set<Integer> suspects(int least) {
        Set<Integer> suspects = new java.util.TreeSet<>(deathsAlone.keySet());
        deaths.forEach((line, times) -> {
            if (times >= least) suspects.add(line);
        });
        return suspects;
    }

    synchronized void started(long run, String version) throws IOException {
        ObjectNode entry = Json.newObject();
        entry.putObject("started").put("time", Instant.now().toString()).put("run", run).put("pid", ProcessHandle.current().pid()).put("version", version);
        append(entry);
    }

    synchronized void checkpoint(Checkpoint next, int answered, int failed) throws IOException {
        ObjectNode entry = Json.newObject();
        entry.putObject("checkpoint").put("output_bytes", next.outputBytes()).put("error_bytes", next.errorBytes())
                .put("answered", answered).put("failed", failed);
        append(entry);
        checkpoint = next;
    }

    /**
     * A run, or the process that ran a line alone for it, has died. A run is counted once, however often this is asked for.
     *
     * @param run 0 where a living run has seen it
     */
    synchronized void died(long run, Collection<Integer> together, Collection<Integer> alone) throws IOException {
        if (together.isEmpty() && alone.isEmpty() || run != 0 && countedRuns.contains(run)) return;
        ObjectNode entry = Json.newObject();
        ObjectNode died = entry.putObject("died");
        if (run != 0) died.put("run", run);
        ArrayNode several = died.putArray("together");
        together.forEach(several::add);
        ArrayNode one = died.putArray("alone");
        alone.forEach(one::add);
        append(entry);
        take(entry, 2);
    }

    /** Nobody is a suspect any more. */
    synchronized void forgive() throws IOException {
        ObjectNode entry = Json.newObject();
        entry.put("forgiven", true);
        append(entry);
        take(entry, 2);
    }

    synchronized void ended(String why) throws IOException {
        ObjectNode entry = Json.newObject();
        entry.putObject("ended").put("time", Instant.now().toString()).put("why", why);
        append(entry);
    }

    private void append(ObjectNode entry) throws IOException {
        byte[] line = line(entry);
        ByteBuffer bytes = ByteBuffer.wrap(line);
        while (bytes.hasRemaining()) file.write(bytes, length + bytes.position());
        file.force(false);
        length += line.length;
    }

    private static byte[] line(ObjectNode entry) {
        byte[] json = Json.bytes(entry);
        byte[] line = java.util.Arrays.copyOf(json, json.length + 1);
        line[json.length] = '\n';
        return line;
    }

    @Override
    public synchronized void close() throws IOException {
        file.close();
    }
}
