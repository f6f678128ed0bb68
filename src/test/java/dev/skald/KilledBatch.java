package dev.skald;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.skald.PackagedBatch.Ended;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;

/** A job that is killed again and again (SIGKILL) at moments spread over its life, then compared with one that was left in peace. */
final class KilledBatch {
    private final PackagedBatch batch;
    private final Path folder;
    private final int lines;
    private final int tokens;

    KilledBatch(PackagedBatch batch, Path folder, int lines, int tokens) {
        this.batch = batch;
        this.folder = folder;
        this.lines = lines;
        this.tokens = tokens;
    }

    void killAndCompare(int kills, long seed) throws Exception {
        Path input = batch.sums("in.jsonl", lines, tokens);
        Path peace = folder.resolve("peace.jsonl");
        Ended uninterrupted = batch.run("-i", input.toString(), "-o", peace.toString());
        assertEquals(0, uninterrupted.exit(), uninterrupted.err());

        Path output = folder.resolve("out.jsonl");
        String[] command = {"-i", input.toString(), "-o", output.toString()};
        Random random = new Random(seed);
        int afterFirst = 0;
        int alone = 0;
        // So few that the lines last for all kills, but for the last, which comes as the job closes.
        int most = Math.max(2, 2 * (lines - 10) / kills - 1);
        for (int i = 0; i < kills; i++) {
            long before = PackagedBatch.lines(output);
            Process job = batch.start(command);
            if (i == kills - 1) batch.awaitLines(job, output, lines);
            else if (i % 8 == 0) Thread.sleep(random.nextInt(2500));
            else batch.awaitLines(job, output, (int) Math.min(lines, before + (i % 8 == 1 ? 1 : random.nextInt(1, most))));
            job.destroyForcibly().waitFor();
            if (PackagedBatch.lines(output) > 0) afterFirst++;
            if (batch.err(job).contains("one at a time now")) alone++;
        }
        Ended last = batch.run(command);
        String told = "seed " + seed + ": " + last.err();
        assertEquals(0, last.exit(), told);
        assertEquals(lines, last.summary().get("answered").asInt(), told);
        assertEquals("", Files.readString(folder.resolve("out.errors.jsonl")), "a healthy line is in the error file, " + told);
        assertEquals(batch.lasting(peace), batch.lasting(output), told);
        System.out.println("killed " + kills + " times, " + afterFirst + " of them after the first answer, " + alone + " with suspected lines in quarantine");
        assertTrue(afterFirst * 5 >= kills * 4 - 5, afterFirst + " kills after the first answer");
    }
}
