package dev.skald.batch;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.zip.GZIPInputStream;

/** The input, which can be read more than once: a file, gzipped or not, or standard input, kept beside the output. */
final class Source {
    private final Path file;

    private Source(Path file) {
        this.file = file;
    }

    static Source ofFile(Path file) {
        return new Source(file);
    }

    /**
     * Keeps standard input in a file. Where nothing comes and an earlier run has kept it, that is the input.
     *
     * @throws IOException if it can't be kept
     */
    static Source ofStandard(InputStream standard, BatchFiles files) throws IOException {
        Path begun = files.spool().resolveSibling(files.spool().getFileName() + ".begun");
        long bytes;
        try (FileChannel out = FileChannel.open(begun, StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.TRUNCATE_EXISTING)) {
            bytes = standard.transferTo(Channels.newOutputStream(out));
            out.force(true);
        }
        if (bytes == 0 && Files.exists(files.spool())) {
            Files.delete(begun);
        } else {
            Files.move(begun, files.spool(), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            BatchFiles.forceFolder(files.spool());
        }
        return new Source(files.spool());
    }

    /** From the beginning; gzip is told by its first bytes, not by the name. */
    InputStream open() throws IOException {
        BufferedInputStream in = new BufferedInputStream(Files.newInputStream(file), 1 << 16);
        try {
            in.mark(2);
            boolean gzip = in.read() == 0x1f && in.read() == 0x8b;
            in.reset();
            return gzip ? new GZIPInputStream(in, 1 << 16) : in;
        } catch (IOException e) {
            in.close();
            throw e;
        }
    }

    Path file() {
        return file;
    }
}
