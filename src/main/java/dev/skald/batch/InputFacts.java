package dev.skald.batch;

import dev.skald.batch.LineReader.Line;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.Optional;

/**
 * What one pass over the input tells.
 *
 * @param sha256 of its bytes, unpacked
 * @param bytes  unpacked
 * @param index  of its lines
 */
record InputFacts(String sha256, long bytes, LineIndex index) {
    static InputFacts read(Source source) throws IOException {
        try (Digesting in = new Digesting(source.open()); LineReader lines = new LineReader(in)) {
            LineIndex index = new LineIndex();
            for (Optional<Line> line = lines.next(); line.isPresent(); line = lines.next()) {
                Line l = line.get();
                if (l.isBlank()) continue;
                Optional<String> id = l.tooLong() ? Optional.empty() : CustomIds.of(l.number(), l.bytes());
                if (id.isPresent()) index.add(l.number(), IdHash.of(id.get()));
                else index.addUnnamed(l.number());
            }
            index.seal();
            return new InputFacts(HexFormat.of().formatHex(in.digest.digest()), in.bytes, index);
        }
    }

    private static final class Digesting extends FilterInputStream {
        final MessageDigest digest = IdHash.sha256();
        long bytes;

        Digesting(InputStream in) {
            super(in);
        }

        @Override
        public int read(byte[] b, int off, int len) throws IOException {
            int n = in.read(b, off, len);
            if (n > 0) {
                digest.update(b, off, n);
                bytes += n;
            }
            return n;
        }

        @Override
        public int read() throws IOException {
            throw new IOException("read in blocks only");
        }
    }
}
