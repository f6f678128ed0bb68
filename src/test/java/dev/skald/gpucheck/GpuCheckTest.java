package dev.skald.gpucheck;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.skald.gpucheck.KernelGroup.Output;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What needs no device: comparing, waiting for a part no longer than it may take, and the page. */
class GpuCheckTest {
    @TempDir
    Path folder;

    private static Comparison compare(double bound, float found, float expected) {
        List<Output> a = List.of(new Output("k", "one case", bound, new float[] {1, found}));
        List<Output> b = List.of(new Output("k", "one case", bound, new float[] {1, expected}));
        return Comparison.of(a, b).get("k");
    }

    @Test
    void aComparisonFailsBeyondItsBoundAndNotWithinIt() {
        assertEquals(Optional.empty(), compare(0.5, 2, 2.5f).failure());
        assertEquals(1.0, compare(0.5, 2, 2.5f).values().get("of_its_bound"));
        assertEquals("one case: element 1 is 2.0, expected 2.6 ± 0.5", compare(0.5, 2, 2.6f).failure().orElseThrow());
        assertEquals("one case: element 1 is NaN, expected 2.6 ± 0.5", compare(0.5, Float.NaN, 2.6f).failure().orElseThrow());
        assertEquals("one case: element 1 is 0.0, expected -0.0 in all bits", compare(0, 0f, -0f).failure().orElseThrow());
        assertEquals(Optional.empty(), compare(0, Float.NaN, Float.NaN).failure());
        assertEquals(0.5, compare(0.5, 2, 2.5f).values().get("same_bits"));
    }

    @Test
    void outputsTravelThroughAFileBitByBit() throws IOException {
        float[] values = {0f, -0f, Float.NaN, Float.intBitsToFloat(0x7fc00001), Float.MIN_VALUE, Float.NEGATIVE_INFINITY};
        Path file = folder.resolve("outputs");
        KernelRuns.save(List.of(new Output("kernel", "was für ein Fall", 0.25, values)), file);
        Output back = KernelRuns.load(file).getFirst();
        assertEquals(List.of("kernel", "was für ein Fall", 0.25), List.of(back.kernel(), back.what(), back.bound()));
        for (int i = 0; i < values.length; i++) assertEquals(Float.floatToRawIntBits(values[i]), Float.floatToRawIntBits(back.values()[i]));
    }

    @Test
    void aPartThatHangsIsEndedAndWhatItFoundIsKept() throws Exception {
        List<Result> results = new ArrayList<>();
        String script = "echo noise; echo '@result {\"kind\":\"PASSED\",\"name\":\"first\",\"detail\":\"\",\"values\":{\"n\":1}}'; sleep 600 & wait";
        Child.Ended ended = Child.run(List.of("sh", "-c", script), Map.of(), folder.resolve("log"), 2, results::add);
        assertTrue(ended.outOfTime());
        assertEquals(List.of(Result.passed("first", Map.of("n", 1))), results);
        assertEquals("noise", ended.tail());
    }

    @Test
    void aPartThatDiesSaysHow() throws Exception {
        Child.Ended ended = Child.run(List.of("sh", "-c", "echo why; exit 7"), Map.of(), folder.resolve("log"), 60, r -> {});
        assertEquals(7, ended.exit());
        assertEquals("why", ended.tail());
    }

    @Test
    void theSanitizersReportIsRead() throws IOException {
        Path report = folder.resolve("report");
        SanitizerPart memcheck = new SanitizerPart("memcheck");
        Child.Ended ended = new Child.Ended(0, 1, "the tail");
        assertEquals("compute-sanitizer gave no summary: the tail", memcheck.judge(ended, report, List.of()).detail());
        Files.writeString(report, "========= COMPUTE-SANITIZER\n========= ERROR SUMMARY: 0 errors\n");
        assertEquals(Result.Kind.PASSED, memcheck.judge(ended, report, List.of()).kind());
        assertEquals(Result.Kind.FAILED, memcheck.judge(ended, report, List.of(Result.failed("rows", "wrong"))).kind());
        assertEquals(Result.Kind.FAILED, memcheck.judge(new Child.Ended(-1, 1, ""), report, List.of()).kind());
        Files.writeString(report, "========= Invalid __global__ read of size 4 bytes\n=========     at skald_embed\n========= ERROR SUMMARY: 3 errors\n");
        assertEquals("ERROR SUMMARY: 3 findings, first: Invalid __global__ read of size 4 bytes", memcheck.judge(ended, report, List.of()).detail());
        Files.writeString(report, "========= RACECHECK SUMMARY: 0 hazards displayed (0 errors, 0 warnings)\n");
        assertEquals(Result.Kind.PASSED, new SanitizerPart("racecheck").judge(ended, report, List.of()).kind());
    }

    @Test
    void aPageOfACardCarriesNoLabelAndEscapesBars() {
        PartRecord part = new PartRecord(
                "card", "About", false, "Card | one", "abc", "skald gpu-check", "2026-01-01T00:00:00Z", 1.5, PartRecord.State.OUT_OF_TIME, "ended after its limit of 9 s",
                List.of(Result.measured("read", Map.of("gb_per_s", 12.5)), Result.skipped("cuBLAS", "there is none")));
        Page page = new Page("Card | one", false, "abc", List.of(part));
        assertTrue(page.markdown().startsWith("# gpu-check: Card | one\n\n| what | value |"), page.markdown());
        assertTrue(page.markdown().contains("| card | Card \\| one |"), page.markdown());
        assertTrue(page.markdown().contains("| read | measured | 12.5 |  |\n| cuBLAS | skipped |  | there is none |"), page.markdown());
        assertTrue(page.markdown().contains("1.5 s; **ended after its limit of 9 s**."), page.markdown());
        assertEquals(false, page.fields().get("simulated"));
    }

    /** Else the two would not be asked the same. */
    @Test
    void transformersIsAskedForTheSameRaggedLengths() throws IOException {
        String script = new String(GpuCheck.class.getResourceAsStream("generate.py").readAllBytes(), StandardCharsets.UTF_8);
        assertTrue(script.contains("1 + (i * 73 + 41) % (2 * mean - 1)") && script.contains("1 + (i * 151 + 97) % (2 * mean - 1)"));
        assertEquals(1 + (7 * 73 + 41) % 255, RaggedRun.promptTokens(7, 128));
        assertEquals(1 + (7 * 151 + 97) % 255, RaggedRun.answerTokens(7, 128));
        double prompts = java.util.stream.IntStream.range(0, 256).map(i -> RaggedRun.promptTokens(i, 128)).average().orElseThrow();
        double answers = java.util.stream.IntStream.range(0, 256).map(i -> RaggedRun.answerTokens(i, 128)).average().orElseThrow();
        assertEquals(128, prompts, 1);
        assertEquals(128, answers, 1);
    }
}
