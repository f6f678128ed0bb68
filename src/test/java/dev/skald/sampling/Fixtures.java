package dev.skald.sampling;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/** What the tests of this package share: rows of logits and parameters that differ from "everything off" in one place. */
final class Fixtures {
    static final SamplingParams OFF = params(1, 0, 1, 0);

    private Fixtures() {}

    static SamplingParams params(float temperature, int topK, float topP, float minP) {
        return new SamplingParams(temperature, topK, topP, minP, 1, 0, 0, Map.of(), List.of(), List.of());
    }

    static SamplingParams penalties(float repetition, float presence, float frequency) {
        return new SamplingParams(1, 0, 1, 0, repetition, presence, frequency, Map.of(), List.of(), List.of());
    }

    static SlotState state(int vocabulary, SamplingParams params) {
        return state(vocabulary, params, 1, 0);
    }

    static SlotState state(int vocabulary, SamplingParams params, long seed, int choice) {
        SlotState state = new SlotState(vocabulary);
        state.reset(new SlotSetup(params, seed, choice, 0, List.of(), new int[] {0}, new int[0]));
        return state;
    }

    static MemorySegment segment(float... row) {
        return MemorySegment.ofArray(row);
    }

    /** Logits of several characters: spread out, peaked, coarse (so that many are equal), with −∞ among them, of both zeros. */
    static float[] logits(SplittableRandom random, int n) {
        int kind = random.nextInt(5);
        float[] row = new float[n];
        for (int i = 0; i < n; i++) {
            double gauss = random.nextGaussian();
            row[i] = switch (kind) {
                case 0 -> (float) (gauss * 3);
                case 1 -> (float) (gauss * 12);
                case 2 -> Math.round(gauss * 2) * 0.5f;
                case 3 -> random.nextInt(3) == 0 ? Float.NEGATIVE_INFINITY : (float) gauss;
                default -> random.nextBoolean() ? -0f : random.nextBoolean() ? 0f : -1e-7f;
            };
        }
        row[random.nextInt(n)] = 0.25f;
        return row;
    }
}
