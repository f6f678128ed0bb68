package dev.skald.batch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.skald.batch.CustomIds.Told;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Journal, logs, and the table of lines under way, each by itself. */
class FilesTest {
    @TempDir
    private Path folder;

    private static ObjectNode header() {
        ObjectNode header = JobFixture.JSON.createObjectNode();
        header.put("skald_batch", 1).put("job", "x");
        return header;
    }

    @Test
    void aJournalTellsWhatItWasTold() throws Exception {
        Path path = folder.resolve("j");
        try (Journal journal = Journal.create(path, header())) {
            journal.started(7, "v");
            journal.checkpoint(new Journal.Checkpoint(10, 20), 1, 2);
            journal.died(7, List.of(1, 2, 3), List.of());
            journal.died(7, List.of(1, 2, 3), List.of());
            journal.died(8, List.of(2), List.of());
            journal.died(0, List.of(), List.of(2));
            journal.died(0, List.of(), List.of(2));
        }
        try (Journal journal = Journal.open(path)) {
            assertEquals("x", journal.header().get("job").asText());
            assertEquals(new Journal.Checkpoint(10, 20), journal.checkpoint());
            assertEquals(List.of(1, 2, 1), List.of(journal.deaths(1), journal.deaths(2), journal.deaths(3)), "a run counts once");
            assertEquals(2, journal.deathsAlone(2));
            assertEquals(Set.of(2), journal.suspects(2));
            ObjectNode next = header();
            next.put("job", "y");
            journal.replaceHeader(next);
            journal.forgive();
        }
        try (Journal journal = Journal.open(path)) {
            assertEquals("y", journal.header().get("job").asText());
            assertEquals(Set.of(), journal.suspects(1));
        }
    }

    @Test
    void aJournalThatEndsAnywhereIsReadAsFarAsItIsWhole() throws Exception {
        Path path = folder.resolve("j");
        try (Journal journal = Journal.create(path, header())) {
            journal.checkpoint(new Journal.Checkpoint(1, 0), 1, 0);
            journal.checkpoint(new Journal.Checkpoint(2, 0), 2, 0);
        }
        byte[] whole = Files.readAllBytes(path);
        int first = new String(whole, StandardCharsets.UTF_8).indexOf('\n') + 1;
        int second = new String(whole, StandardCharsets.UTF_8).indexOf('\n', first) + 1;
        for (int length = first; length <= whole.length; length++) {
            Files.write(path, java.util.Arrays.copyOf(whole, length));
            try (Journal journal = Journal.open(path)) {
                assertEquals(length == whole.length ? 2 : length >= second ? 1 : 0, journal.checkpoint().outputBytes(), "at byte " + length);
                journal.checkpoint(new Journal.Checkpoint(9, 0), 9, 0);
            }
            try (Journal journal = Journal.open(path)) {
                assertEquals(9, journal.checkpoint().outputBytes(), "at byte " + length);
            }
        }
    }

    @Test
    void whatIsNoJournalIsNotTakenForOne() throws Exception {
        Path path = folder.resolve("j");
        for (String text : List.of("", "precious data\n", "{\"skald_batch\":2}\n", "{\"a\":1}\n")) {
            Files.writeString(path, text);
            assertThrows(BatchException.class, () -> Journal.open(path).close(), text);
            assertEquals(text, Files.readString(path));
        }
    }

    @Test
    void aLogTakesBackWhatIsNoWholeRecord() throws Exception {
        Path path = folder.resolve("log");
        String one = "{\"custom_id\":\"a\",\"x\":\"中\"}\n";
        String two = "{\"custom_id\":null,\"line\":7}\n";
        byte[] whole = (one + two).getBytes(StandardCharsets.UTF_8);
        int first = one.getBytes(StandardCharsets.UTF_8).length;
        for (int length = 0; length <= whole.length; length++) {
            Files.write(path, java.util.Arrays.copyOf(whole, length));
            List<Told> told = new ArrayList<>();
            try (RecordLog log = RecordLog.open(path, whole.length, told::add)) {
                int expected = length == whole.length ? 2 : length >= first ? 1 : 0;
                assertEquals(expected, told.size(), "at byte " + length);
                log.append(one.getBytes(StandardCharsets.UTF_8));
                assertEquals(Files.size(path), log.length());
            }
            assertTrue(Files.readString(path).endsWith(one), "at byte " + length);
        }
    }

    @Test
    void theTableKeepsWhatIsUnderWayAndIsALock() throws Exception {
        Path path = folder.resolve("t");
        try (RunningTable table = RunningTable.open(path, path)) {
            assertEquals(new RunningTable.Left(0, Map.of()), table.left());
            table.begin(5);
            int a = table.set(11, false);
            table.set(12, true);
            table.set(13, false);
            table.clear(a);
            assertThrows(BatchException.class, () -> RunningTable.open(path, path).close());
        }
        try (RunningTable table = RunningTable.open(path, path)) {
            assertEquals(new RunningTable.Left(5, Map.of(12, true, 13, false)), table.left());
            table.begin(6);
            assertEquals(Map.of(), table.left().lines());
            for (int i = 1; i <= RunningTable.SLOTS; i++) table.set(i, false);
            assertTrue(table.isFull());
        }
    }

    @Test
    void aShelfWritesInOrderAndHoldsLittle() throws Exception {
        List<String> written = new ArrayList<>();
        Shelf shelf = new Shelf(true, 4, record -> written.add(new String(record, StandardCharsets.UTF_8)));
        shelf.put(2, "c".getBytes(StandardCharsets.UTF_8));
        shelf.skip(1);
        assertEquals(List.of(), written);
        assertTrue(shelf.mayBegin(3) && !shelf.mayBegin(4));
        shelf.put(0, "a".getBytes(StandardCharsets.UTF_8));
        assertEquals(List.of("a", "c"), written);
        shelf.put(4, new byte[65 << 20]);
        assertTrue(shelf.mayBegin(3) && !shelf.mayBegin(5), "full: only the line that all wait for");
        shelf.put(-1, "now".getBytes(StandardCharsets.UTF_8));
        assertEquals("now", written.getLast());
    }

    @Test
    void progressIsOneLine() {
        Progress progress = new Progress(System.err, false);
        progress.begin(2000, 500);
        Tally tally = new Tally();
        tally.answered = 250;
        tally.failed = 1;
        assertEquals("751/2,000  37.6 %  0 tokens/s  0.0 lines/s  ETA ?  1 failed", progress.line(tally));
        assertEquals("1:02:03", Progress.time(3723));
        assertEquals("2 d 03:04", Progress.time(2 * 86_400 + 3 * 3600 + 4 * 60 + 5));
    }
}
