package dev.skald.batch;

import java.io.IOException;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/**
 * Forces the files to disk, then says so in the journal, about every second and on a thread of its own, so that a slow disk holds nobody up.
 * Called by the job's thread.
 */
final class Checkpointer implements AutoCloseable {
    private static final long EVERY_NANOS = TimeUnit.SECONDS.toNanos(1);

    private final Journal journal;
    private final Ledger ledger;
    private final ExecutorService thread =
            Executors.newSingleThreadExecutor(Thread.ofPlatform().daemon().name("skald-batch-disk").factory());
    private long lastNanos = System.nanoTime();
    private volatile boolean busy;
    private volatile Optional<IOException> failure = Optional.empty();

    Checkpointer(Journal journal, Ledger ledger) {
        this.journal = journal;
        this.ledger = ledger;
    }

    /** @throws IOException of an earlier attempt */
    void tick() throws IOException {
        if (failure.isPresent()) throw failure.get();
        long now = System.nanoTime();
        if (busy || now - lastNanos < EVERY_NANOS || !isNew()) return;
        lastNanos = now;
        busy = true;
        int answered = ledger.answered();
        int failed = ledger.failed();
        Journal.Checkpoint here = here();
        thread.execute(() -> {
            try {
                write(here, answered, failed);
            } catch (IOException e) {
                failure = Optional.of(e);
            } finally {
                busy = false;
            }
        });
    }

    private Journal.Checkpoint here() {
        return new Journal.Checkpoint(ledger.output().length(), ledger.errors().length());
    }

    private boolean isNew() {
        return !here().equals(journal.checkpoint());
    }

    private void write(Journal.Checkpoint here, int answered, int failed) throws IOException {
        ledger.output().force();
        ledger.errors().force();
        journal.checkpoint(here, answered, failed);
    }

    /** Everything written so far, before it returns. */
    void now() throws IOException {
        close();
        if (isNew()) write(here(), ledger.answered(), ledger.failed());
    }

    /** Waits for what is under way. */
    @Override
    public void close() {
        thread.shutdown();
        try {
            if (!thread.awaitTermination(1, TimeUnit.MINUTES)) failure = Optional.of(new IOException("the disk did not answer for a minute"));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
