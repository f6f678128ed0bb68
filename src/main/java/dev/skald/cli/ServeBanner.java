package dev.skald.cli;

import dev.skald.boot.StartReport;
import dev.skald.grpc.Door;
import dev.skald.grpc.DoorConfig;
import java.io.IOException;
import java.net.InetAddress;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import com.fasterxml.jackson.databind.ObjectMapper;

/** What `skald serve` says once it serves: for people on stderr, for programs one JSON object on stdout. */
final class ServeBanner {
    private final Stdio stdio;
    private final boolean json;

    ServeBanner(Stdio stdio, boolean json) {
        this.stdio = stdio;
        this.json = json;
    }

    void print(DoorConfig config, Door door, StartReport report, long jvmNanos, long netNanos) throws IOException {
        String address = address(config.host(), door);
        stdio.err().println(report.deviceLine());
        stdio.err().println(report.modelLine());
        stdio.err().println(report.memoryLine());
        stdio.err().println(report.limitLines());
        String admin = door.adminPort().isPresent() ? ", admin on 127.0.0.1:" + door.adminPort().getAsInt() : "";
        stdio.err().println("address  " + address + (config.tls().isPresent() ? " (TLS)" : " (plaintext)") + admin);
        if (config.exposed()) {
            stdio.err().println("warning: " + config.host() + " can be reached by other machines, and nothing is encrypted: use --tls-cert and --tls-key");
        }
        stdio.err().println(ready(report, jvmNanos, netNanos));
        if (config.tls().isEmpty()) stdio.err().println("try      ./skald generate --endpoint " + reachable(config, door) + " --prompt '111+222='");
        if (json) stdio.out().println(object(door, address, report, jvmNanos + report.loadNanos() + netNanos));
        stdio.out().flush();
    }

    private static String address(String host, Door door) {
        return (host.contains(":") ? "[" + host + "]" : host) + ":" + door.port();
    }

    /** Listening on all addresses is no address to call. */
    private static String reachable(DoorConfig config, Door door) throws IOException {
        return address(InetAddress.getByName(config.host()).isAnyLocalAddress() ? "127.0.0.1" : config.host(), door);
    }

    /** The process is the launcher's: where that had to build first, its time is in the first part. */
    private static String ready(StartReport report, long jvmNanos, long netNanos) {
        return String.format(
                Locale.ROOT,
                "ready in %.1f s (%s %.1f, model %.1f, warm-up %.1f, net %.1f)",
                seconds(jvmNanos + report.loadNanos() + netNanos),
                Boolean.getBoolean("skald.built") ? "build and jvm" : "jvm",
                seconds(jvmNanos),
                seconds(report.modelNanos()),
                seconds(report.warmUpNanos()),
                seconds(netNanos));
    }

    private static String object(Door door, String address, StartReport report, long readyNanos) throws IOException {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("address", address);
        fields.put("port", door.port());
        door.adminPort().ifPresent(port -> fields.put("admin_port", port));
        fields.put("model", report.model().name());
        fields.put("device", report.device().backend());
        fields.put("isa", report.device().isa());
        fields.put("kv_cache_tokens", (long) report.memory().kvBlocks() * dev.skald.model.Decoder.BLOCK_TOKENS);
        fields.put("ready_s", Math.round(readyNanos / 1e6) / 1e3);
        return new ObjectMapper().writeValueAsString(fields);
    }

    private static double seconds(long nanos) {
        return nanos / 1e9;
    }
}
