package dev.skald.compute;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.skald.sampling.SamplingParams;
import dev.skald.tensor.Buffer;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What the three sampling operations do with rows, slots and outputs, on every device; how a token is drawn is tested with the sampler. */
class SamplingOpsTest {
    private static final int V = OpsFixture.VOCABULARY;

    private static float[] logits(int best, int second) {
        float[] row = new float[V];
        row[best] = 5;
        row[second] = 4;
        return row;
    }

    private static SamplingParams greedyWithBias(int id, float bias) {
        return new SamplingParams(0, 0, 1, 0, 1, 0, 0, Map.of(id, bias), List.of(), List.of());
    }

    private static void sample(OpsFixture f, float[]... rows) {
        Buffer logits = f.buffer(rows);
        Buffer adjusted = f.buffer(rows.length, V);
        f.ops.adjustLogits(logits, adjusted);
        f.ops.sample(adjusted, f.output);
        f.ops.topLogprobs(logits, f.output);
        f.device.await(f.output);
        for (int r = 0; r < rows.length; r++) assertArrayEquals(rows[r], f.test.read(logits, r), "raw logits stay as they are");
    }

    @ParameterizedTest
    @MethodSource("dev.skald.compute.TestDevices#all")
    void eachRowIsDrawnByItsOwnSlotAndReportsWhatItAskedFor(TestDevices.Factory factory) {
        try (OpsFixture f = new OpsFixture(factory)) {
            f.setSlot(2, greedyWithBias(30, 10));
            f.upload(b -> {
                b.beginSequence(0, 2);
                b.token(1, 0);
                b.token(2, 1);
                b.row(0, 0, 8, 2); // a target: prompt log-probability
                b.row(1, 0, -1, -1);
                b.row(1, 2, -1, 0);
            });
            sample(f, logits(7, 8), logits(3, 4), logits(5, 6));
            assertEquals(8, f.output.token(0));
            assertEquals(2, f.output.rank(0));
            assertEquals(7, f.output.topToken(0, 0));
            assertEquals(8, f.output.topToken(0, 1));
            double sum = Math.log(Math.exp(5) + Math.exp(4) + V - 2);
            assertEquals(4 - sum, f.output.logprob(0), 1e-6);
            assertEquals(5 - sum, f.output.topLogprob(0, 0), 1e-6);
            assertEquals(3, f.output.token(1));
            assertEquals(30, f.output.token(2), "the bias of slot 2");
            assertEquals(-sum, f.output.logprob(2), 1e-6, "log-probabilities are of the raw logits");
        }
    }

    @ParameterizedTest
    @MethodSource("dev.skald.compute.TestDevices#all")
    void aDrawnTokenIsTheSlotsLastAndATargetIsNot(TestDevices.Factory factory) {
        try (OpsFixture f = new OpsFixture(factory)) {
            float[][] table = OpsFixture.random(1, V, 4);
            Weight embedding = f.device.pack(WeightRole.EMBEDDING, List.of(OpsFixture.matrix(table)));
            f.upload(b -> {
                b.beginSequence(1, 1);
                b.token(0, 0);
                b.row(0, 1, -1, -1);
                b.row(0, 1, 9, -1);
            });
            sample(f, logits(12, 13), logits(14, 15));
            f.upload(b -> {
                b.beginSequence(1, 2);
                b.token(-1, 1);
            });
            Buffer x = f.buffer(OpsFixture.LIMITS.maxTokens(), 4);
            f.ops.embed(embedding, x);
            assertArrayEquals(table[12], f.test.read(x, 0));
        }
    }

    @ParameterizedTest
    @MethodSource("dev.skald.compute.TestDevices#all")
    void aRowWithANanFailsAlone(TestDevices.Factory factory) {
        try (OpsFixture f = new OpsFixture(factory)) {
            f.upload(b -> {
                for (int slot = 0; slot < 3; slot++) {
                    b.beginSequence(slot, 1);
                    int token = b.token(0, 0);
                    b.row(token, slot, slot == 2 ? 5 : -1, 0);
                }
            });
            float[] broken = logits(1, 2);
            broken[20] = Float.NaN;
            sample(f, broken, logits(3, 4), broken);
            assertTrue(f.output.invalid(0));
            assertFalse(f.output.invalid(1));
            assertEquals(3, f.output.token(1));
            assertTrue(f.output.invalid(2), "a target's row too");
        }
    }
}
