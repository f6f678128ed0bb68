package dev.skald.compute.reference;

import dev.skald.tensor.Block;
import dev.skald.tensor.DType;
import java.lang.foreign.MemorySegment;

/**
 * What a product with quantised weights is, to the bit. Every CPU kernel of every instruction set must give these values, for any number of
 * rows. Obvious and slow; stateless.
 *
 * <p>Activations are rounded to integers first, in blocks of as many elements as the weight's type has: with m the greatest magnitude of a
 * block, {@code scale = m / 127} and {@code q = round(x · (127 / m))}, halves to even. If m is below 2⁻¹⁰⁰, scale and integers are 0; if the
 * block holds an infinity or NaN, the scale is NaN and the integers are 0, so that the row's outputs, and no others, become NaN.
 *
 * <p>An output then is, over blocks in ascending order, in f32, beginning with 0, with the weight block's numbers as {@link Block} names them:
 *
 * <pre>
 * sum = fma(float(Σ scales[g] · quants[i] · q[i]),  d · scale,  sum)
 * sum = fma(float(Σ mins[g] · q[i]),  −(dmin · scale),  sum)          for types with minima
 * </pre>
 *
 * where both Σ are exact in int32, and at last {@code sum + bias} where there is a bias.
 */
public final class QuantisedLinearReference {
    private static final float LEAST = 0x1p-100f;

    private QuantisedLinearReference() {}

    /**
     * A row of activations, rounded.
     *
     * @param quants [columns], −127 … 127
     * @param scales [columns / block]
     */
    public record Activations(byte[] quants, float[] scales) {
        /** @param row [columns], whole blocks @param block elements that share a scale */
        public static Activations of(float[] row, int block) {
            byte[] quants = new byte[row.length];
            float[] scales = new float[row.length / block];
            for (int b = 0; b < scales.length; b++) scales[b] = round(row, b * block, block, quants);
            return new Activations(quants, scales);
        }
    }

    /** @return the scale */
    private static float round(float[] row, int at, int count, byte[] quants) {
        float greatest = 0;
        for (int i = at; i < at + count; i++) {
            if (!Float.isFinite(row[i])) return Float.NaN;
            greatest = Math.max(greatest, Math.abs(row[i]));
        }
        if (greatest < LEAST) return 0;
        float inverse = 127 / greatest;
        for (int i = at; i < at + count; i++) quants[i] = (byte) Math.rint(row[i] * inverse);
        return greatest / 127;
    }

    /**
     * One output.
     *
     * @param type   a quantised type
     * @param weight the rows of a weight, each {@code in.quants().length} elements
     * @param row    which of them
     * @param in     rounded in blocks of {@code type.blockElements()}
     */
    public static float dot(DType type, MemorySegment weight, long row, Activations in) {
        Block block = new Block(type);
        int blocks = in.scales.length;
        float sum = 0;
        for (int b = 0; b < blocks; b++) {
            block.read(weight, row * blocks + b);
            int at = b * type.blockElements();
            int products = 0;
            int minima = 0;
            for (int g = 0; g < block.groups(); g++) {
                int group = 0;
                int quants = 0;
                for (int i = g * block.groupElements(); i < (g + 1) * block.groupElements(); i++) {
                    group += block.quants()[i] * in.quants[at + i];
                    quants += in.quants[at + i];
                }
                products = Math.addExact(products, Math.multiplyExact(block.scales()[g], group));
                minima = Math.addExact(minima, Math.multiplyExact(block.mins()[g], quants));
            }
            float scale = in.scales[b];
            sum = Math.fma((float) products, block.d() * scale, sum);
            if (Block.hasMinima(type)) sum = Math.fma((float) minima, -(block.dmin() * scale), sum);
        }
        return sum;
    }

    /** All outputs of one row of activations. @param weight [outputs, row.length] @param bias [outputs], or empty for none */
    public static float[] linear(DType type, MemorySegment weight, int outputs, float[] row, float[] bias) {
        Activations in = Activations.of(row, type.blockElements());
        float[] out = new float[outputs];
        for (int o = 0; o < outputs; o++) out[o] = dot(type, weight, o, in);
        for (int o = 0; o < bias.length; o++) out[o] += bias[o];
        return out;
    }
}
