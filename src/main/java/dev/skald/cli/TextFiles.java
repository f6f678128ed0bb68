package dev.skald.cli;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** Reads small files for commands, and says in words why that failed. */
final class TextFiles {
    /** More is no prompt, but a mistake. */
    private static final int MAX_BYTES = 256 << 20;

    private TextFiles() {}

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
        try (InputStream in = Files.newInputStream(file)) {
            return decode(in, file.toString());
        } catch (IOException e) {
            throw CliException.failed("can't read " + file + ": " + why(e));
        }
    }

    /** The same, where {@code -} is standard input. */
    static String readText(Path file, InputStream standard) {
        if (!file.toString().equals("-")) return readText(file);
        try {
            return decode(standard, "standard input");
        } catch (IOException e) {
            throw CliException.failed("can't read standard input: " + why(e));
        }
    }

    private static String decode(InputStream in, String name) throws IOException {
        byte[] bytes = in.readNBytes(MAX_BYTES + 1);
        if (bytes.length > MAX_BYTES) throw CliException.failed(name + " has more than " + (MAX_BYTES >> 20) + " MiB");
        return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    }
}
