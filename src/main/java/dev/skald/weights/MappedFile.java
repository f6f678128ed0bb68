package dev.skald.weights;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** Maps files of untrusted origin. */
final class MappedFile {
    private MappedFile() {}

    /**
     * The whole file, read-only, until {@code arena} closes.
     *
     * @throws CheckpointException if it is missing, no regular file (opening a pipe would wait for a writer) or can't be read
     */
    static MemorySegment map(Path path, Arena arena) {
        if (!Files.isRegularFile(path)) throw new CheckpointException(path + " is missing or not a regular file");
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            return channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
        } catch (IOException e) {
            throw new CheckpointException(path + " can't be read: " + e.getMessage(), e);
        }
    }
}
