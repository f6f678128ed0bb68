package dev.skald.cli;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import java.util.Optional;

/** Where earlier lines are kept, for whoever has a home that can be written to. */
final class ChatHistory {
    private ChatHistory() {}

    /** A file of the user's own, readable by nobody else; empty where there can be none: then lines are remembered until the end only. */
    static Optional<Path> file(Map<String, String> env) {
        String state = env.getOrDefault("XDG_STATE_HOME", "");
        String home = env.getOrDefault("HOME", "");
        if (state.isEmpty() && home.isEmpty()) return Optional.empty();
        try {
            Path folder = (state.isEmpty() ? Path.of(home, ".local", "state") : Path.of(state)).resolve("skald");
            if (!folder.isAbsolute()) return Optional.empty();
            Files.createDirectories(folder);
            Path file = folder.resolve("chat-history");
            create(file);
            return Files.isRegularFile(file) && Files.isReadable(file) && Files.isWritable(file) ? Optional.of(file) : Optional.empty();
        } catch (IOException | InvalidPathException | UnsupportedOperationException e) {
            return Optional.empty();
        }
    }

    private static void create(Path file) throws IOException {
        try {
            Files.createFile(file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        } catch (FileAlreadyExistsException e) {
            // From an earlier conversation.
        }
    }
}
