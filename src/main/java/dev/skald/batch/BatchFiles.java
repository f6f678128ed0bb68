package dev.skald.batch;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * The files of a job, all beside its output.
 *
 * @param output  answers, one record a line
 * @param errors  what could not be answered, one record a line
 * @param journal what the job is, and how far it is durable
 * @param running which lines are under way, and who writes
 * @param spool   standard input, kept while the job is unfinished
 */
record BatchFiles(Path output, Path errors, Path journal, Path running, Path spool) {
    static BatchFiles of(Path output) {
        Path absolute = output.toAbsolutePath().normalize();
        String name = absolute.getFileName().toString();
        String stem = name.endsWith(".jsonl") ? name.substring(0, name.length() - ".jsonl".length()) : name;
        return new BatchFiles(
                absolute, absolute.resolveSibling(stem + ".errors.jsonl"), absolute.resolveSibling(name + ".journal"),
                absolute.resolveSibling(name + ".running"), absolute.resolveSibling(name + ".input"));
    }

    /** Makes names durable, where the system can force a folder. */
    static void forceFolder(Path file) {
        try (FileChannel folder = FileChannel.open(file.toAbsolutePath().getParent(), StandardOpenOption.READ)) {
            folder.force(true);
        } catch (IOException e) {
            // Not everywhere can a folder be opened; the names are durable then when the system says so.
        }
    }
}
