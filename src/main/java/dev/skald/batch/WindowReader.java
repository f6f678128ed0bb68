package dev.skald.batch;

import dev.skald.batch.LineReader.Line;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.IntPredicate;

/**
 * Reads what is to be done, window by window, one window ahead of whoever takes them. Inside a window, lines whose prompts begin alike stand
 * together, so that the prefix cache pays. Runs on a thread of its own.
 */
final class WindowReader implements AutoCloseable {
    private static final int WAIT_MILLIS = 100;

    /** @param lines and bytes of a window, at most, but for one line that is longer by itself */
    record Size(int lines, long bytes) {
        static final int DEFAULT_LINES = 4096;
        static final Size DEFAULT = new Size(DEFAULT_LINES, 16 << 20);
    }

    /** @param accepted in the order in which they should run, @param rejected in the order of the lines, @param last whether nothing follows */
    record Window(List<Item> accepted, List<Numbered> rejected, boolean last) {}

    /** @param place among the lines that are to be done */
    record Numbered(long place, Parsed.Rejected rejected) {}

    private final LineReader lines;
    private final LineParser parser;
    private final LineIndex index;
    private final IntPredicate wanted;
    private final Size size;
    private final BlockingQueue<Window> ready = new ArrayBlockingQueue<>(1);
    private final Thread thread;
    private volatile Optional<String> failure = Optional.empty();
    private volatile boolean closed;
    private long places;

    /** @param wanted line numbers that are to be done; asked on the reader's thread */
    WindowReader(LineReader lines, LineParser parser, LineIndex index, IntPredicate wanted, Size size) {
        this.lines = lines;
        this.parser = parser;
        this.index = index;
        this.wanted = wanted;
        this.size = size;
        thread = Thread.ofPlatform().daemon().name("skald-batch-reader").start(this::read);
    }

    private void read() {
        try (lines) {
            boolean last = false;
            while (!last && !closed) {
                Window window = window();
                last = window.last();
                while (!ready.offer(window, WAIT_MILLIS, TimeUnit.MILLISECONDS)) {
                    if (closed) return;
                }
            }
        } catch (IOException | RuntimeException e) {
            failure = Optional.of(e.getMessage() == null ? e.toString() : e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private Window window() throws IOException {
        List<Item> accepted = new ArrayList<>();
        List<Numbered> rejected = new ArrayList<>();
        long bytes = 0;
        boolean last = false;
        while (!last && accepted.size() + rejected.size() < size.lines() && bytes < size.bytes()) {
            Optional<Line> line = lines.next();
            last = line.isEmpty();
            if (last || line.get().isBlank() || !wanted.test(line.get().number())) continue;
            bytes += line.get().bytes().length;
            Parsed parsed = index.isTwin(line.get().number()) ? twin(line.get()) : parser.parse(line.get());
            switch (parsed) {
                case Parsed.Accepted(Item item) -> {
                    if (index.lineOf(IdHash.of(item.customId)) != item.line) throw new IOException("it has changed since this run began");
                    item.place = places++;
                    accepted.add(item);
                }
                case Parsed.Rejected no -> rejected.add(new Numbered(places++, no));
            }
        }
        accepted.sort(Comparator.comparing((Item item) -> item.prefix).thenComparingInt(item -> item.line));
        return new Window(accepted, rejected, last);
    }

    private Parsed.Rejected twin(Line line) {
        Optional<String> id = CustomIds.of(line.number(), line.bytes());
        int first = id.map(i -> index.lineOf(IdHash.of(i))).orElse(0);
        return new Parsed.Rejected(line.number(), id, dev.skald.service.InferenceException.invalid(
                "DUPLICATE_CUSTOM_ID", "custom_id", "line " + first + " has the same custom_id"));
    }

    /** The next window if it is ready; never blocks. @throws BatchException if the input can't be read any further */
    Optional<Window> poll() {
        Optional<Window> window = Optional.ofNullable(ready.poll());
        if (window.isEmpty() && failure.isPresent()) {
            throw new BatchException(BatchException.Kind.UNFINISHED, "the input can't be read any further: " + failure.get() + "; the same command goes on");
        }
        return window;
    }

    @Override
    public void close() {
        closed = true;
        try {
            thread.join(TimeUnit.SECONDS.toMillis(5));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
