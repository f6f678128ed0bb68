package dev.skald.compute.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.skald.compute.AttentionShape;
import dev.skald.compute.KvGroup;
import dev.skald.tensor.DType;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Attention on the tensor cores: right on ragged batches of any shape, and a row's bits the same in every tile. */
class CudaAttentionTest {
    @BeforeEach
    void needsTheDevice() {
        SimCuda.use();
    }

    @Test
    void theTensorCoresTakeWhatTheyCan() {
        assertTrue(CudaTensorAttention.supports(new KvGroup(1, 1, 8, 16, DType.F16)));
        assertTrue(CudaTensorAttention.supports(new KvGroup(1, 1, 128, 16, DType.BF16)));
        assertFalse(CudaTensorAttention.supports(new KvGroup(1, 1, 128, 16, DType.F32)));
        assertFalse(CudaTensorAttention.supports(new KvGroup(1, 1, 136, 16, DType.F16)));
        assertFalse(CudaTensorAttention.supports(new KvGroup(1, 1, 12, 16, DType.F16)));
    }

    /** A long context decoded, a chunk across a split's border, a short chunk, the first token of all; then the next tokens of each. */
    private static void ragged(AttentionFixture f, DType dtype) {
        f.step(Map.of(0, 150), false);
        f.step(Map.of(0, 150, 1, 40), false);
        f.step(Map.of(0, 97), false);
        f.check(f.step(Map.of(0, 1, 1, 70, 2, 3, 3, 1), true), dtype);
        f.check(f.step(Map.of(0, 2, 1, 1, 2, 17, 3, 130), true), dtype);
        f.check(f.step(Map.of(0, 1, 1, 150, 2, 1, 3, 1), true), dtype);
    }

    @ParameterizedTest
    @CsvSource({
        "4, 2, 8, F16", "1, 1, 16, BF16", "6, 2, 24, F16", "7, 1, 32, F16", "8, 2, 40, BF16", "2, 2, 64, F16", "4, 1, 64, BF16", "20, 1, 72, F16",
        "5, 1, 80, BF16", "3, 1, 96, F16", "8, 1, 128, F16", "2, 1, 128, BF16",
    })
    void itIsTheSoftmaxOverAllTokensUpToItself(int heads, int kvHeads, int dim, DType dtype) {
        try (AttentionFixture f = new AttentionFixture(new AttentionShape(heads, kvHeads, dim, 0.6f / (float) Math.sqrt(dim)), dtype, SimCuda.kernels())) {
            ragged(f, dtype);
        }
    }

    /** Contexts of three splits, their ends in every sort of chunk: alone and beside others, divided among blocks and not. */
    @ParameterizedTest
    @CsvSource({"1, 1, 8, F16", "3, 1, 32, BF16", "4, 1, 64, F16", "16, 1, 16, F16", "2, 1, 128, BF16"})
    void aRowHasTheSameBitsInEveryTile(int heads, int kvHeads, int dim, DType dtype) {
        AttentionShape shape = new AttentionShape(heads, kvHeads, dim, 0.3f);
        Map<Integer, float[]> expected = Map.of();
        for (int[] chunks : new int[][] {{1}, {199}, {7}, {64}, {3, 1, 100, 16}}) {
            try (AttentionFixture f = new AttentionFixture(shape, dtype, SimCuda.kernels())) {
                if (chunks[0] == 7) f.keepUnits(2);
                f.step(Map.of(0, 190), false);
                f.step(Map.of(0, 190), false);
                f.step(Map.of(0, 120), false);
                Map<Integer, float[]> rows = new java.util.TreeMap<>();
                int at = 500;
                for (int i = 0; at < 540; i++) {
                    int n = Math.min(chunks[i % chunks.length], 540 - at);
                    List<AttentionFixture.Row> out = chunks.length == 1 ? f.step(Map.of(0, n), true) : f.step(Map.of(2, 1 + i, 0, n, 1, 2), true);
                    for (AttentionFixture.Row row : out) if (row.slot() == 0) rows.put(row.position(), row.values());
                    at += n;
                }
                assertEquals(40, rows.size());
                if (expected.isEmpty()) expected = rows;
                for (int p : rows.keySet()) assertTrue(Float.isFinite(rows.get(p)[0]), "position " + p);
                for (int p : rows.keySet()) assertArrayEquals(expected.get(p), rows.get(p), "position " + p + ", chunks of " + chunks[0]);
            }
        }
    }

    /** A value that overflowed fails who sees it; tokens before it in the same chunk don't. */
    @ParameterizedTest
    @EnumSource(names = {"F16", "BF16"})
    void whatIsNotFiniteReachesNobodyBeforeIt(DType dtype) {
        AttentionShape shape = new AttentionShape(2, 1, 32, 0.3f);
        try (AttentionFixture sound = new AttentionFixture(shape, dtype, SimCuda.kernels());
                AttentionFixture broken = new AttentionFixture(shape, dtype, SimCuda.kernels())) {
            broken.breakValue(0, 280, Float.POSITIVE_INFINITY);
            for (AttentionFixture f : List.of(sound, broken)) f.step(Map.of(0, 150), false);
            List<AttentionFixture.Row> expected = sound.step(Map.of(0, 150), true);
            for (AttentionFixture.Row row : broken.step(Map.of(0, 150), true)) {
                if (row.position() < 280) {
                    assertArrayEquals(expected.get(row.position() - 150).values(), row.values(), "position " + row.position());
                } else {
                    assertFalse(Float.isFinite(row.values()[0]), "position " + row.position());
                }
            }
        }
    }

    private static void isClean(int heads, int kvHeads, int dim, DType dtype) {
        SimCuda.findings();
        try (AttentionFixture f = new AttentionFixture(new AttentionShape(heads, kvHeads, dim, 0.3f), dtype, SimCuda.checkedKernels())) {
            f.step(Map.of(0, 150), false);
            f.step(Map.of(0, 110, 1, 9), false);
            f.check(f.step(Map.of(0, 2, 1, 33, 2, 1), true), dtype);
            assertEquals(new SimCuda.Findings(0, ""), SimCuda.findings());
        }
    }

    @Test
    void itIsCleanUnderSimcudaCheck() {
        isClean(2, 1, 40, DType.F16);
    }

    @Tag("slow")
    @ParameterizedTest
    @CsvSource({"4, 2, 8, F16", "1, 1, 32, BF16", "4, 1, 64, BF16", "8, 1, 128, F16", "20, 1, 72, F16", "2, 1, 128, BF16"})
    void everyKernelIsCleanUnderSimcudaCheck(int heads, int kvHeads, int dim, DType dtype) {
        isClean(heads, kvHeads, dim, dtype);
    }
}
