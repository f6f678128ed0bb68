package dev.skald.model;

import java.util.Optional;

/**
 * Reads rotary embedding's parameters as Hugging Face configurations hold them: {@code rope_parameters}, or the older {@code rope_theta} and
 * {@code rope_scaling}.
 */
public final class RopeConfig {
    private static final double MAX = 1e12;
    private static final double DEFAULT_THETA = 10_000;

    private RopeConfig() {}

    /**
     * @param maxPositions the model's context length, in tokens; the original length where none is given
     * @throws ModelException for a kind that depends on the current length, an unknown one, or missing or impossible parameters
     */
    public static Rope read(ConfigObject config, int maxPositions) {
        Optional<ConfigObject> scaling = config.object("rope_scaling").or(() -> config.object("rope_parameters"));
        double outer = config.number("rope_theta", 1, MAX).orElse(DEFAULT_THETA);
        double theta = scaling.map(s -> s.number("rope_theta", 1, MAX).orElse(outer)).orElse(outer);
        refusePartial(config);
        scaling.ifPresent(RopeConfig::refusePartial);
        try {
            return new Rope(theta, scaling.isEmpty() ? new Rope.Default() : scaling(config, scaling.get(), maxPositions));
        } catch (IllegalArgumentException e) {
            throw new ModelException(config.where() + ": " + e.getMessage(), e);
        }
    }

    private static Rope.Scaling scaling(ConfigObject config, ConfigObject s, int maxPositions) {
        String kind = s.string("rope_type").or(() -> s.string("type")).orElse("default");
        return switch (kind) {
            case "default" -> new Rope.Default();
            case "linear" -> new Rope.Linear(s.requiredNumber("factor", 0, MAX));
            case "llama3" -> new Rope.Llama3(
                    s.requiredNumber("factor", 0, MAX),
                    s.requiredNumber("low_freq_factor", 0, MAX),
                    s.requiredNumber("high_freq_factor", 0, MAX),
                    original(config, s, maxPositions));
            case "yarn" -> yarn(s, original(config, s, maxPositions), maxPositions);
            case GgufConfig.DIVIDED -> new Rope.Divided(s.numbers("divisors", 0, MAX));
            default -> throw new ModelException(
                    s.where() + " has rope_type = " + kind + "; known are default, linear, llama3 and yarn");
        };
    }

    private static Rope.Yarn yarn(ConfigObject s, int original, int maxPositions) {
        double factor = s.number("factor", 0, MAX).orElse((double) maxPositions / original);
        double mscale = s.number("mscale", 0, MAX).orElse(0);
        double mscaleAllDim = s.number("mscale_all_dim", 0, MAX).orElse(0);
        double inferred = mscale != 0 && mscaleAllDim != 0
                ? temperature(factor, mscale) / temperature(factor, mscaleAllDim)
                : temperature(factor, 1);
        return new Rope.Yarn(
                factor,
                original,
                orIfZero(s.number("beta_fast", 0, MAX).orElse(0), 32),
                orIfZero(s.number("beta_slow", 0, MAX).orElse(0), 1),
                s.number("attention_factor", 0, MAX).orElse(inferred),
                s.flag("truncate", true));
    }

    /** The paper's fit of how much sharper attention must get with the length, here as a factor on q and k each. */
    private static double temperature(double factor, double mscale) {
        return factor <= 1 ? 1 : 0.1 * mscale * StrictMath.log(factor) + 1;
    }

    private static double orIfZero(double value, double otherwise) {
        return value == 0 ? otherwise : value;
    }

    private static int original(ConfigObject config, ConfigObject s, int maxPositions) {
        String field = "original_max_position_embeddings";
        return config.integer(field, 1, 1 << 28).orElseGet(() -> s.integer(field, 1, 1 << 28).orElse(maxPositions));
    }

    private static void refusePartial(ConfigObject config) {
        if (config.number("partial_rotary_factor", 0, 1).orElse(1) != 1) {
            throw new ModelException(config.where() + " rotates only a part of each head (partial_rotary_factor), which is not built yet");
        }
    }
}
