package dev.skald.model;

import java.util.List;

/**
 * Rotary position embedding over all elements of a head.
 *
 * @param theta   base of the frequencies, usually 10,000 or 500,000
 * @param scaling how the frequencies are stretched to reach further than the model was first trained for
 */
public record Rope(double theta, Scaling scaling) {
    public Rope {
        if (!(theta > 0 && Double.isFinite(theta))) throw new IllegalArgumentException("rope theta " + theta + " is not positive");
    }

    /** Each depends on the configuration alone, never on how long a sequence has become. */
    public sealed interface Scaling {}

    /** Frequencies as trained. */
    public record Default() implements Scaling {}

    /** @param factor divides every frequency */
    public record Linear(double factor) implements Scaling {
        public Linear {
            positive("factor", factor);
        }
    }

    /**
     * Llama 3: long wavelengths are divided by factor, short ones kept, those between interpolated.
     *
     * @param factor            divisor of long wavelengths
     * @param lowFrequency      original / lowFrequency is the wavelength from which on all is divided
     * @param highFrequency     original / highFrequency is the wavelength up to which nothing changes
     * @param originalPositions context length before stretching, in tokens
     */
    public record Llama3(double factor, double lowFrequency, double highFrequency, int originalPositions) implements Scaling {
        public Llama3 {
            positive("factor", factor);
            positive("low_freq_factor", lowFrequency);
            positive("original_max_position_embeddings", originalPositions);
            if (!(highFrequency > lowFrequency && Double.isFinite(highFrequency))) {
                throw new IllegalArgumentException("high_freq_factor " + highFrequency + " is not above low_freq_factor " + lowFrequency);
            }
        }
    }

    /**
     * YaRN (Peng et al. 2023, arXiv:2309.00071): a ramp over dimensions between dividing and keeping, and a factor on cosines and sines.
     *
     * @param factor            divisor of the dimensions that turn slowest
     * @param originalPositions context length before stretching, in tokens
     * @param betaFast          turns over the original length from which on a dimension is kept
     * @param betaSlow          turns up to which it is divided
     * @param attentionFactor   multiplies cosines and sines
     * @param truncate          whether the ramp's ends are rounded outwards to whole dimensions
     */
    public record Yarn(
            double factor, int originalPositions, double betaFast, double betaSlow, double attentionFactor, boolean truncate)
            implements Scaling {
        public Yarn {
            positive("factor", factor);
            positive("original_max_position_embeddings", originalPositions);
            positive("beta_fast", betaFast);
            positive("beta_slow", betaSlow);
            positive("attention_factor", attentionFactor);
        }
    }

    /**
     * Each pair's frequency has a divisor of its own: how GGUF files hold what others compute when they load.
     *
     * @param divisors as many as a head has pairs
     */
    public record Divided(List<Double> divisors) implements Scaling {
        public Divided {
            divisors = List.copyOf(divisors);
            divisors.forEach(d -> positive("divisor", d));
        }
    }

    /** Divisors of the frequencies of all pairs, [headDim / 2], where the scaling can be listed like that and files do; else empty. */
    public float[] divisors(int headDim) {
        return switch (scaling) {
            case Llama3 llama3 -> RopeTable.divisors(llama3, theta, headDim);
            case Divided(List<Double> list) -> {
                float[] divisors = new float[list.size()];
                for (int i = 0; i < divisors.length; i++) divisors[i] = list.get(i).floatValue();
                yield divisors;
            }
            case Default d -> new float[0];
            case Linear l -> new float[0];
            case Yarn y -> new float[0];
        };
    }

    private static void positive(String name, double value) {
        if (!(value > 0 && Double.isFinite(value))) throw new IllegalArgumentException("rope " + name + " " + value + " is not positive");
    }
}
