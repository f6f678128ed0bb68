package dev.skald.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import dev.skald.compute.BatchLimits;
import dev.skald.compute.TestDevices;
import dev.skald.model.DecoderHarness.Chunk;
import dev.skald.model.DecoderHarness.Row;
import dev.skald.model.DecoderHarness.Rows;
import dev.skald.tensor.DType;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** A token's keys, values and logits are bitwise the same however they are computed: here, without an engine, on every device. */
class NumericContractTest {
    /** With the prompt beyond a split of 256 positions. */
    private static final int GENERATED = 262;
    private static final int[] PROMPT = new Random(5).ints(11, 3, 61).toArray();
    private static final int LENGTH = PROMPT.length + GENERATED;
    private static final int OTHERS = 63;
    private static final int OTHERS_LENGTH = 45;

    @TempDir
    Path folder;

    private record Result(String kv, String logits) {}

    static Stream<Arguments> devicesAndTypes() {
        // The simulated GPU takes a thread for each of a GPU's, so one type has to do there: what differs is only how an element is read.
        return TestDevices.all().flatMap(d -> Stream.of(DType.F16, DType.F32, DType.Q8_0)
                .filter(t -> t == DType.F16 || !d.name().startsWith("cuda"))
                .map(t -> Arguments.of(d, t)));
    }

    private DecoderHarness harness(TestDevices.Factory factory, DType kvDtype) {
        TinyModels.DEFAULT.withDtype(DType.BF16).withBias().write(folder, 3);
        BatchLimits limits = new BatchLimits(LENGTH + OTHERS, OTHERS + 1, LENGTH + OTHERS, 18, 0);
        return new DecoderHarness(factory.open(), folder, Optional.empty(), kvDtype, limits, 18 + 3 * OTHERS + 5);
    }

    @ParameterizedTest(name = "{0}, {1} cache")
    @MethodSource("devicesAndTypes")
    void chunksCrowdsAndRecomputationChangeNoBit(TestDevices.Factory factory, DType kvDtype) {
        try (DecoderHarness harness = harness(factory, kvDtype)) {
            List<float[]> decoded = new ArrayList<>();
            int[] ids = new int[LENGTH];
            Result expected = decode(harness, ids, decoded);
            for (float[] row : decoded) for (float logit : row) assertFalse(Float.isNaN(logit));
            for (int chunk : new int[] {LENGTH, 64, 7, 1}) {
                assertEquals(expected, prefill(harness, ids, chunk), "alone, chunks of " + chunk);
                assertEquals(expected, amongOthers(harness, ids, chunk), "among " + OTHERS + ", chunks of " + chunk);
            }
            assertEquals(expected, preempted(harness, ids), "preempted three times and computed again");
        }
    }

    /** Prompt in one chunk, then token by token, each taken from where the step before left it on the device. @param ids out */
    private static Result decode(DecoderHarness harness, int[] ids, List<float[]> logits) {
        int slot = harness.begin();
        System.arraycopy(PROMPT, 0, ids, 0, PROMPT.length);
        List<Row> rows = harness.step(List.of(new Chunk(slot, PROMPT, Rows.ALL)));
        rows.forEach(row -> logits.add(row.logits()));
        for (int at = PROMPT.length; at < LENGTH; at++) {
            ids[at] = rows.getLast().token();
            rows = harness.step(List.of(new Chunk(slot, new int[] {-1}, Rows.LAST)));
            logits.add(rows.getFirst().logits());
        }
        return finish(harness, slot, logits.toArray(float[][]::new));
    }

    private static Result prefill(DecoderHarness harness, int[] ids, int chunk) {
        int slot = harness.begin();
        return finish(harness, slot, harness.feed(slot, ids, chunk));
    }

    /** In each step the others go on by a token or two; who is at its end makes room for a new one. */
    private static Result amongOthers(DecoderHarness harness, int[] ids, int chunk) {
        Random random = new Random(chunk);
        int[] others = new int[OTHERS];
        int[] lengths = new int[OTHERS];
        Arrays.setAll(others, i -> harness.begin());
        int slot = harness.begin();
        List<float[]> logits = new ArrayList<>();
        for (int at = 0; at < ids.length; at += chunk) {
            List<Chunk> step = new ArrayList<>();
            int place = random.nextInt(OTHERS);
            for (int i = 0; i < OTHERS; i++) {
                if (i == place) step.add(new Chunk(slot, Arrays.copyOfRange(ids, at, Math.min(at + chunk, ids.length)), Rows.ALL));
                if (lengths[i] >= OTHERS_LENGTH) {
                    harness.end(others[i]);
                    others[i] = harness.begin();
                    lengths[i] = 0;
                }
                step.add(new Chunk(others[i], new int[] {random.nextInt(61)}, random.nextBoolean() ? Rows.LAST : Rows.NONE));
                lengths[i]++;
            }
            harness.step(step).stream().filter(row -> row.slot() == slot).forEach(row -> logits.add(row.logits()));
        }
        for (int other : others) harness.end(other);
        return finish(harness, slot, logits.toArray(float[][]::new));
    }

    /** Loses its slot and blocks thrice, comes back in others, and computes again what it had. */
    private static Result preempted(DecoderHarness harness, int[] ids) {
        for (int length : new int[] {30, 257, 100}) {
            int slot = harness.begin();
            harness.feed(slot, Arrays.copyOf(ids, length), 13);
            harness.end(slot);
        }
        return prefill(harness, ids, 50);
    }

    private static Result finish(DecoderHarness harness, int slot, float[][] logits) {
        assertEquals(LENGTH, logits.length);
        Result result = new Result(harness.kvHash(slot), DecoderHarness.hash(logits));
        harness.end(slot);
        return result;
    }

    @ParameterizedTest
    @MethodSource("dev.skald.compute.TestDevices#all")
    void theHarnessSeesADifference(TestDevices.Factory factory) {
        try (DecoderHarness harness = harness(factory, DType.F16)) {
            int[] ids = IntStream.range(0, LENGTH).map(i -> i % 61).toArray();
            Result first = prefill(harness, ids, 64);
            ids[LENGTH - 1]++;
            Result second = prefill(harness, ids, 64);
            assertFalse(first.kv().equals(second.kv()) || first.logits().equals(second.logits()), "a hash that misses a changed token");
        }
    }
}
