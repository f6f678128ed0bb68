package dev.skald.compute.cpu;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What the processor calls itself. */
final class Processor {
    private static final Pattern MODEL = Pattern.compile("(?m)^(?:model name|Hardware|Model)\\s*:\\s*(.+)$");
    private static final long SYSCTL_SECONDS = 2;

    private Processor() {}

    /** The model's name, or the architecture's where the system doesn't tell. */
    static String name() {
        Optional<String> name = switch (System.getProperty("os.name")) {
            case "Linux" -> cpuInfo(Path.of("/proc/cpuinfo"));
            case "Mac OS X" -> sysctl();
            default -> Optional.ofNullable(System.getenv("PROCESSOR_IDENTIFIER"));
        };
        return name.map(String::strip).filter(n -> !n.isEmpty()).orElse(System.getProperty("os.arch"));
    }

    static Optional<String> cpuInfo(Path path) {
        try {
            Matcher matcher = MODEL.matcher(Files.readString(path));
            return matcher.find() ? Optional.of(matcher.group(1)) : Optional.empty();
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    private static Optional<String> sysctl() {
        try {
            Process process = new ProcessBuilder("/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string").redirectErrorStream(true).start();
            if (!process.waitFor(SYSCTL_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                return Optional.empty();
            }
            String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            return process.exitValue() == 0 ? Optional.of(text) : Optional.empty();
        } catch (IOException e) {
            return Optional.empty();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return Optional.empty();
        }
    }
}
