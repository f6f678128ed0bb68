package dev.skald.compute.cpu;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;

/**
 * Attention over some positions, for some query rows: greatest score, Σ exp(score − greatest), and the same sum of weighted values, each
 * [headDim], padded to whole vectors. Two of them that follow one another make one.
 */
final class Partials {
    private final int width;
    private final int stride;
    private final float[] data;

    Partials(int count, int headDim) {
        width = Lanes.padded(headDim);
        stride = width + Lanes.LENGTH;
        data = new float[Math.multiplyExact(count, stride)];
    }

    float[] data() {
        return data;
    }

    /** Index in {@link #data} of an entry's weighted values. */
    int at(int entry) {
        return entry * stride;
    }

    /** Sets the entry's values to zero. */
    void begin(int entry, float max, float sum) {
        int at = at(entry);
        Arrays.fill(data, at, at + width, 0);
        data[at + width] = max;
        data[at + width + 1] = sum;
    }

    void copy(int entry, Partials from, int other) {
        System.arraycopy(from.data, from.at(other), data, at(entry), stride);
    }

    /** The entry, then the other that follows it. */
    void merge(int entry, Partials from, int other) {
        int at = at(entry);
        int next = from.at(other);
        float max = Math.max(data[at + width], from.data[next + width]);
        float a = Exp.exp(data[at + width] - max);
        float b = Exp.exp(from.data[next + width] - max);
        data[at + width] = max;
        data[at + width + 1] = Math.fma(from.data[next + width + 1], b, data[at + width + 1] * a);
        for (int d = 0; d < width; d += Lanes.LENGTH) {
            FloatVector own = FloatVector.fromArray(Lanes.FLOATS, data, at + d).mul(a);
            FloatVector.fromArray(Lanes.FLOATS, from.data, next + d).fma(FloatVector.broadcast(Lanes.FLOATS, b), own).intoArray(data, at + d);
        }
    }

    /** Writes values ÷ sum. @param to address of [headDim] f32 */
    void normalise(int entry, int headDim, long to) {
        int at = at(entry);
        float inverse = 1f / data[at + width + 1];
        int whole = Lanes.whole(headDim);
        for (int d = 0; d < whole; d += Lanes.LENGTH) {
            Lanes.store(FloatVector.fromArray(Lanes.FLOATS, data, at + d).mul(inverse), to + 4L * d);
        }
        for (int d = whole; d < headDim; d++) RawMemory.storeFloat(data[at + d] * inverse, to + 4L * d);
    }
}
