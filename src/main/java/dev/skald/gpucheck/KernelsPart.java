package dev.skald.gpucheck;

import dev.skald.tensor.DType;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Every operation against the reference: odd sizes, ragged batches, each type, with cuBLAS and without. */
final class KernelsPart implements Part {
    @Override
    public String name() {
        return "kernels";
    }

    @Override
    public String about() {
        return "Every operation against the reference device: odd sizes, ragged batches, each type; the difference as a share of the bound that its rounding allows";
    }

    @Override
    public int limitSeconds() {
        return 240;
    }

    @Override
    public void run(Surroundings surroundings, Results results) throws Exception {
        for (KernelGroup group : KernelGroup.all(KernelRuns.supported(), surroundings.simulated())) {
            List<KernelGroup.Output> expected = KernelRuns.expected(group);
            compare(group.name(), KernelRuns.onCuda(group, surroundings, true), expected, results);
            if (group instanceof LinearGroup && !group.isDefined()) compare(group.name() + ", with cuBLAS", KernelRuns.onCuda(group, surroundings, false), expected, results);
        }
        for (DType type : KernelRuns.notBuilt()) results.add(Result.notBuilt("linear, " + type, "the CUDA device has no kernels for weights of type " + type));
    }

    /** One result for each group; the kernels' own numbers are its values. */
    private static void compare(String name, List<KernelGroup.Output> found, List<KernelGroup.Output> expected, Results results) {
        Map<String, Object> values = new LinkedHashMap<>();
        List<String> failures = new ArrayList<>();
        Comparison.of(found, expected).forEach((kernel, comparison) -> {
            values.put(kernel, comparison.values());
            comparison.failure().ifPresent(sentence -> failures.add(kernel + ": " + sentence));
        });
        results.add(failures.isEmpty() ? Result.passed(name, values) : Result.failed(name, String.join("; ", failures), values));
    }
}
