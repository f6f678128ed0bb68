package dev.skald.gpucheck;

import dev.skald.boot.EngineOptions.DeviceKind;
import dev.skald.boot.LocalEngine;
import dev.skald.gpucheck.Engines.Wish;
import java.nio.file.Files;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/** skald-mini's gauge on the card: right answers as its own evaluation measured them, less one point. */
final class GaugePart implements Part {
    private static final int CONTEXT = 256;
    private static final long KV_BYTES = 256L << 20;
    private static final int MINUTES = 4;
    private static final int SIMULATED_CASES = 4;

    @Override
    public String name() {
        return "gauge";
    }

    @Override
    public String about() {
        return "skald-mini's answers, right as often as its evaluation says, less one point";
    }

    @Override
    public int limitSeconds() {
        return 240;
    }

    @Override
    public void run(Surroundings surroundings, Results results) throws Exception {
        if (!Files.isDirectory(surroundings.gauge())) {
            results.add(Result.skipped("gauge", "there is no " + surroundings.gauge()));
            return;
        }
        Gauge gauge = new Gauge(surroundings.gauge());
        boolean few = surroundings.simulated();
        Wish wish = new Wish(surroundings.model(), DeviceKind.CUDA, Optional.empty(), false, CONTEXT, OptionalLong.of(KV_BYTES), few ? 8 : 256, few ? 256 : 2048);
        try (LocalEngine local = LocalEngine.start(Engines.options(wish))) {
            for (String task : few ? List.of("sums", "second_turn") : Gauge.TASKS) {
                List<Gauge.Case> cases = few ? gauge.sample(task, SIMULATED_CASES) : gauge.cases(task);
                Gauge.Score score = Gauge.ask(local.inference(), cases, MINUTES);
                // one miss more than the share allows: a small sample has no finer steps
                double floor = Gauge.FLOOR.get(task) - (few ? 1.0 / SIMULATED_CASES : 0);
                Map<String, Object> values = new LinkedHashMap<>();
                values.put("asked", score.asked());
                values.put("right", Result.round(score.share()));
                values.put("at_least", Result.round(floor));
                results.add(score.share() >= floor
                        ? Result.passed(task, values)
                        : Result.failed(task, String.join("; ", score.misses().subList(0, Math.min(5, score.misses().size()))), values));
            }
        }
    }
}
