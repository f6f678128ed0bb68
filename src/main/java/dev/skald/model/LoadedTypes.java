package dev.skald.model;

import dev.skald.tensor.DType;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/** Which type each matrix has when it is loaded. */
final class LoadedTypes {
    private final Optional<DType> unquantised;
    /** By name; empty unless weights are quantised on the way. */
    private final Map<String, DType> planned = new HashMap<>();

    LoadedTypes(DecoderSpec spec, LoadOptions options) {
        unquantised = options.dtype();
        if (options.quantises()) WeightPlan.of(spec, options.dtype().orElseThrow()).entries().forEach(e -> planned.put(e.name(), e.dtype()));
    }

    DType of(String name, DType dtype) {
        DType plan = planned.get(name);
        if (plan != null) return plan;
        DType wanted = unquantised.orElse(dtype);
        // Quantised tensors stay what they are, unless they are to be multiplied as F32, which holds them exactly; others take the type that is wanted.
        return dtype.quantised() && wanted != DType.F32 ? dtype : wanted;
    }
}
