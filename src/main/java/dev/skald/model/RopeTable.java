package dev.skald.model;

import dev.skald.tensor.DType;
import dev.skald.tensor.Elements;
import dev.skald.tensor.Shape;
import dev.skald.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Cosines and sines of every position, made once. Angles are products of f32 numbers, as in the frameworks that train such models: at
 * position 100,000 an exact product would differ from what the model has seen. StrictMath gives the same bits on every machine.
 */
final class RopeTable {
    private RopeTable() {}

    /**
     * @param headDim   elements per head, even
     * @param positions rows
     * @return {@code [positions, headDim]} f32: cosines of the headDim / 2 frequencies, then their sines
     */
    static Tensor of(Rope rope, int headDim, int positions) {
        float[] frequencies = frequencies(rope, headDim);
        float factor = rope.scaling() instanceof Rope.Yarn yarn ? (float) yarn.attentionFactor() : 1;
        MemorySegment data = Arena.ofAuto().allocate(DType.F32.bytes((long) positions * headDim), 64);
        int half = headDim / 2;
        for (int p = 0; p < positions; p++) {
            for (int i = 0; i < half; i++) {
                float angle = p * frequencies[i];
                long row = (long) p * headDim;
                Elements.set(DType.F32, data, row + i, (float) StrictMath.cos(angle) * factor);
                Elements.set(DType.F32, data, row + half + i, (float) StrictMath.sin(angle) * factor);
            }
        }
        return new Tensor("rope table", DType.F32, Shape.of(positions, headDim), data);
    }

    /** Angle per position of each pair, [headDim / 2]. */
    static float[] frequencies(Rope rope, int headDim) {
        float[] frequencies = new float[headDim / 2];
        for (int i = 0; i < frequencies.length; i++) {
            double base = 1 / StrictMath.pow(rope.theta(), 2.0 * i / headDim);
            frequencies[i] = (float) switch (rope.scaling()) {
                case Rope.Default() -> base;
                case Rope.Linear(double factor) -> base / factor;
                case Rope.Divided(var divisors) -> base / divisors.get(i);
                case Rope.Llama3 llama3 -> llama3(llama3, base);
                case Rope.Yarn yarn -> yarn(yarn, base, i, rope.theta(), headDim);
            };
        }
        return frequencies;
    }

    /** What Llama 3's stretching comes down to, as files hold it that list divisors: [headDim / 2]. */
    static float[] divisors(Rope.Llama3 scaling, double theta, int headDim) {
        float[] divisors = new float[headDim / 2];
        for (int i = 0; i < divisors.length; i++) {
            double base = 1 / StrictMath.pow(theta, 2.0 * i / headDim);
            divisors[i] = (float) (base / llama3(scaling, base));
        }
        return divisors;
    }

    private static double llama3(Rope.Llama3 s, double frequency) {
        double turns = s.originalPositions() * frequency / (2 * Math.PI);
        if (turns < s.lowFrequency()) return frequency / s.factor();
        if (turns > s.highFrequency()) return frequency;
        double kept = (turns - s.lowFrequency()) / (s.highFrequency() - s.lowFrequency());
        return (1 - kept) * frequency / s.factor() + kept * frequency;
    }

    private static double yarn(Rope.Yarn s, double frequency, int pair, double theta, int headDim) {
        double low = pairThatTurns(s.betaFast(), s.originalPositions(), theta, headDim);
        double high = pairThatTurns(s.betaSlow(), s.originalPositions(), theta, headDim);
        if (s.truncate()) {
            low = Math.floor(low);
            high = Math.ceil(high);
        }
        low = Math.max(low, 0);
        high = Math.min(high, headDim - 1);
        if (low == high) high += 0.001; // a step instead of a ramp; dividing by zero would make NaN of it
        double divided = Math.clamp((pair - low) / (high - low), 0.0, 1.0);
        return divided * frequency / s.factor() + (1 - divided) * frequency;
    }

    /** The (fractional) index of the pair that turns so many times over the original length. */
    private static double pairThatTurns(double turns, int originalPositions, double theta, int headDim) {
        return headDim * StrictMath.log(originalPositions / (turns * 2 * Math.PI)) / (2 * StrictMath.log(theta));
    }
}
