package dev.skald.batch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.skald.batch.LineReader.Line;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Lines, their ids, and shares of them. */
class LinesTest {
    private static List<String> read(byte[] bytes, int max) throws IOException {
        List<String> lines = new ArrayList<>();
        // Comes in pieces, as from a pipe.
        InputStream in = new ByteArrayInputStream(bytes) {
            @Override
            public synchronized int read(byte[] b, int off, int len) {
                return super.read(b, off, Math.min(len, 7));
            }
        };
        LineReader reader = new LineReader(in, max);
        for (Optional<Line> line = reader.next(); line.isPresent(); line = reader.next()) {
            Line l = line.get();
            lines.add(l.number() + (l.tooLong() ? "!" : ":" + new String(l.bytes(), StandardCharsets.UTF_8)));
        }
        assertEquals(bytes.length, reader.consumed());
        return lines;
    }

    private static List<String> read(String text) throws IOException {
        return read(text.getBytes(StandardCharsets.UTF_8), 100);
    }

    @Test
    void linesAreNumberedWithOrWithoutAnEnd() throws Exception {
        assertEquals(List.of(), read(""));
        assertEquals(List.of("1:a", "2:", "3:b"), read("a\n\nb"));
        assertEquals(List.of("1:a", "2:"), read("a\r\n\r\n"));
        assertEquals(List.of("1:中文"), read("\ufeff中文\n"));
        assertEquals(List.of("1:" + "x".repeat(100), "2!", "3:y"), read("x".repeat(100) + "\n" + "x".repeat(101) + "\ny"));
    }

    @Test
    void anyTextComesBackLineByLine() throws Exception {
        Random random = new Random(5);
        for (int round = 0; round < 200; round++) {
            StringBuilder text = new StringBuilder();
            List<String> expected = new ArrayList<>();
            for (int i = 1; i <= random.nextInt(20); i++) {
                String line = "x".repeat(random.nextInt(30));
                expected.add(i + ":" + line);
                text.append(line).append('\n');
            }
            assertEquals(expected, read(text.toString()));
        }
    }

    @Test
    void anIndexFindsEveryIdAndEveryTwin() {
        LineIndex index = new LineIndex();
        int lines = 200_000;
        for (int line = 1; line <= lines; line++) {
            if (line % 1000 == 0) index.addUnnamed(line);
            else if (line % 7 != 0) index.add(line, IdHash.of("id-" + (line % 5000 == 1 ? 1 : line)));
        }
        index.seal();
        assertEquals(1, index.lineOf(IdHash.of("id-1")));
        assertEquals(123_457, index.lineOf(IdHash.of("id-123457")));
        assertEquals(0, index.lineOf(IdHash.of("id-7")), "a blank line");
        assertEquals(0, index.lineOf(IdHash.of("unheard of")));
        assertFalse(index.isTwin(1));
        assertTrue(index.isTwin(5001) && index.isTwin(10_001));
        assertFalse(index.isTwin(5002));
        assertEquals(199_999, index.lastLine() - (index.isFilled(200_000) ? 1 : 0));
        assertEquals(85, index.count(1, 100) - 1);
    }

    @Test
    void aCustomIdIsReadFromPlainAndEnvelopedLines() {
        assertEquals(Optional.of("a"), id("{\"body\":{\"custom_id\":\"inner\"},\"custom_id\":\"a\"}"));
        assertEquals(Optional.of("line-9"), id("{\"prompt\":\"x\"}"));
        assertEquals(Optional.of("line-9"), id("{\"prompt\":\"x\",\"custom_id\":null}"));
        assertEquals(Optional.empty(), id("{\"url\":\"/v1/completions\",\"body\":{}}"));
        assertEquals(Optional.empty(), id("{\"custom_id\":7}"));
        assertEquals(Optional.empty(), id("{\"custom_id\":\"" + "x".repeat(513) + "\"}"));
        assertEquals(Optional.empty(), id("{\"custom_id\":\"a\"} more"));
        assertEquals(Optional.empty(), id("[]"));
    }

    private static Optional<String> id(String line) {
        return CustomIds.of(9, line.getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void shardsCoverEachLineOnce() {
        for (int lines : List.of(0, 1, 7, 100, 1_000_000)) {
            int next = 1;
            for (int k = 1; k <= 13; k++) {
                Shard shard = Shard.parse(k + "/13");
                assertEquals(next, shard.from(lines));
                next = shard.to(lines) + 1;
            }
            assertEquals(lines + 1, next);
        }
        for (String wrong : List.of("0/3", "4/3", "1", "a/b", "-1/2")) assertThrows(IllegalArgumentException.class, () -> Shard.parse(wrong), wrong);
    }

    @Test
    void aSeedDependsOnTheJobAndTheIdAndFitsADouble() {
        assertEquals(Seeds.of(1, "a"), Seeds.of(1, "a"));
        assertTrue(Seeds.of(1, "a") != Seeds.of(2, "a") && Seeds.of(1, "a") != Seeds.of(1, "b"));
        for (int i = 0; i < 1000; i++) {
            long seed = Seeds.of(i, "x");
            assertTrue(seed >= 0 && (long) (double) seed == seed);
        }
    }
}
