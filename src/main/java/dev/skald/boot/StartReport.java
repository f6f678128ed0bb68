package dev.skald.boot;

import dev.skald.compute.DeviceInfo;
import dev.skald.compute.MemoryPlan;
import dev.skald.service.ModelInfo;
import java.util.Locale;

/**
 * What was started, for people.
 *
 * @param device      what runs the model
 * @param model       the model
 * @param weightDtype type of most weights
 * @param memory      how memory is divided
 * @param limits      what the limits mean, a sentence per line
 * @param modelNanos  reading, packing and allocating
 * @param warmUpNanos the first generated token
 */
public record StartReport(
        DeviceInfo device, ModelInfo model, String weightDtype, MemoryPlan memory, String limits, long modelNanos, long warmUpNanos) {

    /** From the call to the first token. */
    public long loadNanos() {
        return modelNanos + warmUpNanos;
    }

    /** e.g. "device cpu (AMD EPYC), java-vector-512, 2 threads: …". */
    public String deviceLine() {
        String threads = device.threads() == 1 ? "1 thread" : device.threads() + " threads";
        return "device   " + device.backend() + " (" + device.name() + "), " + device.isa() + ", " + threads + ": " + device.why();
    }

    public String modelLine() {
        return String.format(
                Locale.ROOT,
                "model    %s: %s, %s parameters, %s, context %,d tokens, fingerprint %s",
                model.name(), model.family(), count(model.parameters()), weightDtype.toLowerCase(Locale.ROOT), model.contextLength(), model.fingerprint());
    }

    public String memoryLine() {
        return String.format(
                Locale.ROOT,
                "memory   %s free; weights %s, activations %s, KV cache %s%s",
                mib(memory.freeBytes()), mib(memory.weightBytes()), mib(memory.activationBytes()), mib(memory.kvBytes()),
                memory.workspaceBytes() == 0 ? "" : ", workspace and graphs " + mib(memory.workspaceBytes()));
    }

    public String limitLines() {
        return "limits   " + limits.replace(System.lineSeparator(), System.lineSeparator() + "         ");
    }

    private static String count(long parameters) {
        if (parameters >= 1_000_000_000) return String.format(Locale.ROOT, "%.1f billion", parameters / 1e9);
        if (parameters >= 1_000_000) return String.format(Locale.ROOT, "%.1f million", parameters / 1e6);
        return String.format(Locale.ROOT, "%,d", parameters);
    }

    private static String mib(long bytes) {
        return String.format(Locale.ROOT, "%,.1f MiB", bytes / 1048576.0);
    }
}
