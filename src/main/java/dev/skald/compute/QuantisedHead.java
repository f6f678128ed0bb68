package dev.skald.compute;

import dev.skald.tensor.DType;

/**
 * How a head's keys or values become Q8_0, element by element the same on every device: of each block of 32 the scale is f16(greatest magnitude
 * / 127), and an integer is the element times the scale's inverse, rounded half to even, in [−127, 127]. The product of integer and scale is
 * exact in f32. A block that isn't finite gets a scale that isn't a number, so that its sequence fails as with any other type.
 */
public final class QuantisedHead {
    private static final int BLOCK = DType.Q8_0.blockElements();
    private static final int MOST = 127;

    private QuantisedHead() {}

    /** The greatest magnitude of a block, element by element. @param most until now, 0 at first; NaN if one wasn't finite */
    public static float greater(float most, float x) {
        float magnitude = Math.abs(x);
        return magnitude <= Float.MAX_VALUE ? Math.max(most, magnitude) : Float.NaN;
    }

    /** Bits of a block's scale in f16. @param most greatest magnitude */
    public static short scale(float most) {
        return Float.floatToFloat16(most / MOST);
    }

    /** What the elements of a block are multiplied by. @param scale of {@link #scale} */
    public static float inverse(short scale) {
        float d = Float.float16ToFloat(scale);
        return d > 0 ? 1 / d : 0;
    }

    /** The integer that stands for an element. */
    public static byte quant(float x, float inverse) {
        return (byte) Math.clamp((int) Math.rint(x * inverse), -MOST, MOST);
    }

    /** Elements that share a scale. */
    public static int block() {
        return BLOCK;
    }
}
