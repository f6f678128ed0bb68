package dev.skald.cli;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** Reads small files for commands, and says in words why that failed. */
final class FileErrors {
    private FileErrors() {}

    static String why(IOException e) {
        return switch (e) {
            case NoSuchFileException missing -> "there is no such file";
            case AccessDeniedException denied -> "permission denied";
            case CharacterCodingException coding -> "it is not UTF-8";
            default -> e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
        };
    }

    /** A file's text, as it is. @throws CliException naming the file and the reason */
    static String readText(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw CliException.failed("can't read " + file + ": " + why(e));
        }
    }
}
