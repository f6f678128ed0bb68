package dev.skald.quantize;

import dev.skald.tensor.DType;

/** Turns tiles into blocks of one type. Has scratch memory of its own: owned by one worker. */
sealed interface BlockEncoder permits PlainSymmetric, PlainAffine, NonLinear, SuperSymmetric, SuperAffine {
    /**
     * @param blocks how many of the tile's are wanted
     * @param out    takes their bytes, from 0 on
     * @throws ArithmeticException if a scale is too large for f16
     */
    void encode(Tile tile, int blocks, byte[] out);

    /**
     * The numbers are the trials of each search. More of them take less and less off the error; these are where twice as many take off less
     * than a percent.
     */
    static BlockEncoder of(DType type) {
        return switch (type) {
            case Q4_0 -> new PlainSymmetric(type, new SymmetricScales(-8, 7, 0.9, 1.15, 4));
            case Q5_0 -> new PlainSymmetric(type, new SymmetricScales(-16, 15, 0.9, 1.15, 12));
            // −128 is left out: kernels that multiply magnitudes by signs can't hold it.
            case Q8_0 -> new PlainSymmetric(type, new SymmetricScales(-127, 127, 0.98, 1.02, 12));
            case Q4_1 -> new PlainAffine(type, new AffineScales(15, false, -0.2f, 0, 0.35f, 0.7f));
            case Q5_1 -> new PlainAffine(type, new AffineScales(31, false, -0.2f, 0, 0.35f, 0.7f));
            case IQ4_NL -> new NonLinear();
            case Q3_K -> new SuperSymmetric(type, new SymmetricScales(-4, 3, 0.9, 1.25, 8), -32, 31);
            case Q6_K -> new SuperSymmetric(type, new SymmetricScales(-32, 31, 0.9, 1.15, 16), -128, 127);
            case Q2_K -> new SuperAffine(type, new AffineScales(3, true, -0.2f, 0.1f, 0.4f, 0.7f), 15);
            case Q4_K -> new SuperAffine(type, new AffineScales(15, true, -0.25f, 0.15f, 0.55f), 63);
            case Q5_K -> new SuperAffine(type, new AffineScales(31, true, -0.25f, 0.15f, 0.55f), 63);
            case F32, F16, BF16, I32 -> throw new IllegalArgumentException(type + " has no blocks");
        };
    }

    /** @throws ArithmeticException if it is too large */
    static float f16(double value) {
        float rounded = Float.float16ToFloat(Float.floatToFloat16((float) value)) + 0f; // no negative zero
        if (Float.isInfinite(rounded)) throw new ArithmeticException(value + " is too large for f16");
        return rounded;
    }
}
