package dev.skald.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalLong;

/**
 * The most memory that this process held, as the kernel counts it (VmHWM), without what probes took: around a probe, call {@link #read}
 * before and {@link #forget} after. Linux only.
 */
final class PeakMemory {
    private static final Path STATUS = Path.of("/proc/self/status");
    private static final Path CLEAR = Path.of("/proc/self/clear_refs");
    private static final String RESET_PEAK = "5";

    private long most = -1;
    private boolean spoilt;

    /** @return bytes; empty where the kernel doesn't tell */
    OptionalLong read() {
        if (!spoilt) most = Math.max(most, highWater());
        return most < 0 ? OptionalLong.empty() : OptionalLong.of(most);
    }

    /** The peak since the last {@link #read} does not count. Where the kernel's mark can't be reset, nothing counts any more. */
    void forget() {
        try {
            Files.writeString(CLEAR, RESET_PEAK);
        } catch (IOException e) {
            spoilt = true;
        }
    }

    private static long highWater() {
        try {
            for (String line : Files.readAllLines(STATUS)) {
                if (line.startsWith("VmHWM:")) return 1024 * Long.parseLong(line.replaceAll("\\D", ""));
            }
        } catch (IOException e) {
            return -1; // no Linux
        }
        return -1;
    }
}
