package dev.skald.gpucheck;

import dev.skald.compute.cuda.CudaCard;
import dev.skald.compute.cuda.CudaDevice;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Which card, which driver, and that the driver takes the kernels. */
final class DevicePart implements Part {
    private static final Path KERNEL_DRIVER = Path.of("/proc/driver/nvidia/version");
    private static final String QUERY = "name,driver_version,pcie.link.gen.current,pcie.link.width.current,clocks.max.sm,clocks.max.mem,power.limit,mig.mode.current";

    @Override
    public String name() {
        return "device";
    }

    @Override
    public String about() {
        return "The card, its driver, and whether the driver takes the kernels";
    }

    @Override
    public int limitSeconds() {
        return 90;
    }

    @Override
    public void run(Surroundings surroundings, Results results) throws Exception {
        try (CudaCard card = CudaCard.open(surroundings.cuda(false))) {
            Map<String, Object> report = new LinkedHashMap<>(card.report());
            report.put("simulated", surroundings.simulated());
            report.put("processors", Runtime.getRuntime().availableProcessors());
            results.add(Result.passed("card", report));
        }
        long begun = System.nanoTime();
        try (CudaDevice device = CudaDevice.open(surroundings.cuda(false))) {
            results.add(Result.passed("kernels", Map.of("seconds_to_open", Result.round((System.nanoTime() - begun) * 1e-9), "says", device.info().why())));
        }
        if (Files.isReadable(KERNEL_DRIVER)) results.add(Result.measured("driver", Map.of("version", Files.readAllLines(KERNEL_DRIVER).getFirst())));
        ask(results);
    }

    private static void ask(Results results) throws InterruptedException {
        try {
            Process process = new ProcessBuilder("nvidia-smi", "--query-gpu=" + QUERY, "--format=csv,noheader").redirectErrorStream(true).start();
            String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
            if (!process.waitFor(30, TimeUnit.SECONDS) || process.exitValue() != 0) {
                results.add(Result.skipped("nvidia-smi", said));
                return;
            }
            Map<String, Object> values = new LinkedHashMap<>();
            List<String> names = List.of(QUERY.split(","));
            String[] answers = said.lines().findFirst().orElse("").split(", *");
            for (int i = 0; i < Math.min(names.size(), answers.length); i++) values.put(names.get(i), answers[i]);
            results.add(Result.measured("nvidia-smi", values));
        } catch (IOException e) {
            results.add(Result.skipped("nvidia-smi", "there is no nvidia-smi here"));
        }
    }
}
