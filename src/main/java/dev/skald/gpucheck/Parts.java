package dev.skald.gpucheck;

import dev.skald.model.ModelShape;
import dev.skald.tensor.DType;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** All parts, the most important first: a machine may be lent for minutes only. */
final class Parts {
    private static final List<ModelShape> SHAPES = List.of(ModelShape.LLAMA_2_7B, ModelShape.LLAMA_3_8B);

    private Parts() {}

    /** In the order in which they run. */
    static List<Part> all() {
        List<Part> parts = new ArrayList<>(List.of(
                new DevicePart(), new KernelsPart(), new TokensPart(), new EnginePart(), new CardPart(), new GaugePart(),
                new RatesPart(ModelShape.LLAMA_2_7B, DType.BF16, false), new DifferencePart(),
                new SanitizerPart("memcheck"), new SanitizerPart("racecheck")));
        for (ModelShape shape : SHAPES) {
            for (DType type : List.of(DType.BF16, DType.Q8_0, DType.Q4_0)) {
                if (shape != ModelShape.LLAMA_2_7B || type != DType.BF16) parts.add(new RatesPart(shape, type, false));
            }
        }
        for (ModelShape shape : SHAPES) {
            parts.add(new RatesPart(shape, DType.BF16, true));
            parts.add(new TransformersPart(shape));
        }
        return parts;
    }

    static Optional<Part> named(String name) {
        return all().stream().filter(part -> part.name().equals(name)).findFirst();
    }

    /** For messages. */
    static String names() {
        return String.join(", ", all().stream().map(Part::name).toList());
    }
}
