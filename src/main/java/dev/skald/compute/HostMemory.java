package dev.skald.compute;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** How much of the host's memory is free, and how devices that live in it divide it. */
public final class HostMemory {
    private static final Path MEMINFO = Path.of("/proc/meminfo");
    /** Inside a container with its own cgroup namespace these are its own limits. */
    private static final Path CGROUP_V2 = Path.of("/sys/fs/cgroup");
    private static final Path CGROUP_V1 = Path.of("/sys/fs/cgroup/memory");
    private static final Pattern AVAILABLE = Pattern.compile("MemAvailable:\\s+(\\d+) kB");
    private static final Pattern INACTIVE_FILE = Pattern.compile("(?:total_)?inactive_file (\\d+)");
    private static final long MEBI = 1 << 20;

    private HostMemory() {}

    /** Bytes that can be allocated without swapping, within the cgroup's limit. Page cache that can be dropped counts as free. */
    public static long freeBytes() {
        long machine = find(MEMINFO, AVAILABLE).stream().map(kibi -> kibi * 1024).findFirst().orElseGet(HostMemory::machineBytes);
        long v2 = left(CGROUP_V2, "memory.max", "memory.current");
        long v1 = left(CGROUP_V1, "memory.limit_in_bytes", "memory.usage_in_bytes");
        return Math.min(machine, Math.min(v2, v1));
    }

    /**
     * Weights and activations first; of what is left the KV cache gets what the request asks for, else
     * min(maxSequences × maxModelLength tokens, half).
     *
     * @throws InsufficientMemoryException with the numbers and what to change, if one full-length sequence does not fit
     */
    public static MemoryPlan plan(long freeBytes, MemoryRequest request) {
        return plan(freeBytes, 0, request);
    }

    /** The same for a device that keeps some of its free memory for itself. */
    public static MemoryPlan plan(long free, long workspaceBytes, MemoryRequest request) {
        long freeBytes = free - workspaceBytes;
        long left = freeBytes - request.weightBytes() - request.activationBytes();
        String needs = "the weights take " + mebi(request.weightBytes()) + " and a step's buffers " + mebi(request.activationBytes()) + " of "
                + mebi(freeBytes) + " free memory";
        if (left <= 0) throw new InsufficientMemoryException("the model doesn't fit: " + needs + "; free memory or choose a smaller model");
        long blockBytes = 0;
        long sequenceBlocks = 0;
        for (KvGroup group : request.groups()) {
            blockBytes += group.bytesPerBlock();
            sequenceBlocks = Math.max(sequenceBlocks, Math.ceilDiv((long) request.maxModelLength(), group.blockTokens()));
        }
        long most = sequenceBlocks * request.maxSequences();
        long blocks = request.kvCacheBytes().isPresent()
                ? request.kvCacheBytes().getAsLong() / blockBytes
                : Math.min(most, left / 2 / blockBytes);
        blocks = Math.min(blocks, Integer.MAX_VALUE);
        if (blocks < sequenceBlocks) {
            throw new InsufficientMemoryException("no room for one sequence of " + request.maxModelLength() + " tokens: its keys and values take "
                    + mebi(sequenceBlocks * blockBytes) + ", the KV cache would have " + mebi(blocks * blockBytes) + " (" + needs
                    + "); lower --max-model-len or raise --kv-cache-memory-bytes");
        }
        if (blocks * blockBytes > left) {
            throw new InsufficientMemoryException("a KV cache of " + mebi(blocks * blockBytes) + " doesn't fit: " + needs
                    + "; lower --kv-cache-memory-bytes to at most " + left);
        }
        return new MemoryPlan(free, request.weightBytes(), request.activationBytes(), blocks * blockBytes, (int) blocks, workspaceBytes);
    }

    private static String mebi(long bytes) {
        return Math.ceilDiv(bytes, MEBI) + " MiB";
    }

    /** What a cgroup's limit leaves, or MAX_VALUE without a limit. */
    private static long left(Path cgroup, String limit, String usage) {
        OptionalLong max = number(cgroup.resolve(limit));
        OptionalLong used = number(cgroup.resolve(usage));
        if (max.isEmpty() || used.isEmpty()) return Long.MAX_VALUE;
        long droppable = find(cgroup.resolve("memory.stat"), INACTIVE_FILE).stream().mapToLong(Long::longValue).max().orElse(0);
        return Math.max(0, max.getAsLong() - used.getAsLong() + droppable);
    }

    /** Empty if there is no such file or it says "max". */
    private static OptionalLong number(Path path) {
        try {
            String text = Files.readString(path).strip();
            return text.chars().allMatch(Character::isDigit) && text.length() < 19 && !text.isEmpty()
                    ? OptionalLong.of(Long.parseLong(text))
                    : OptionalLong.empty();
        } catch (IOException e) {
            return OptionalLong.empty();
        }
    }

    private static List<Long> find(Path path, Pattern pattern) {
        try {
            Matcher matcher = pattern.matcher(Files.readString(path));
            return matcher.results().map(r -> Long.parseLong(r.group(1))).toList();
        } catch (IOException e) {
            return List.of();
        }
    }

    /** Where there is no /proc, only memory that nobody uses is told, without the file cache; half of the machine is taken to be free at least. */
    private static long machineBytes() {
        var system = ManagementFactory.getPlatformMXBean(com.sun.management.OperatingSystemMXBean.class);
        return Math.max(system.getFreeMemorySize(), system.getTotalMemorySize() / 2);
    }
}
