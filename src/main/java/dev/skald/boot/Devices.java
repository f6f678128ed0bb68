package dev.skald.boot;

import dev.skald.compute.Device;
import dev.skald.compute.DeviceInfo;
import dev.skald.compute.cpu.CpuDevice;
import dev.skald.compute.cpu.CpuOptions;
import dev.skald.compute.reference.ReferenceDevice;

/** Opens the device that was asked for, by name: never another one instead. */
final class Devices {
    private Devices() {}

    /** @throws StartException with the reason, if it can't be had */
    static Device open(EngineOptions.Compute compute) {
        return switch (compute.device()) {
            case AUTO, CPU -> cpu(compute);
            case REFERENCE -> new ReferenceDevice();
            case CUDA -> throw new StartException("--device cuda: this release runs on the CPU only; there is no CUDA device in it yet");
        };
    }

    /** What runs the model, and why that and nothing else. */
    static DeviceInfo describe(Device device, EngineOptions.DeviceKind asked) {
        DeviceInfo info = device.info();
        if (asked != EngineOptions.DeviceKind.AUTO) return info;
        String why = "auto takes the CPU, since this release has no CUDA device; " + info.why();
        return new DeviceInfo(info.backend(), info.name(), info.isa(), info.threads(), why);
    }

    private static Device cpu(EngineOptions.Compute compute) {
        CpuOptions.Choice choice = switch (compute.kernels()) {
            case AUTO -> CpuOptions.Choice.AUTO;
            case NATIVE -> CpuOptions.Choice.NATIVE;
            case JAVA -> CpuOptions.Choice.JAVA;
        };
        try {
            return CpuDevice.open(new CpuOptions(compute.threads(), choice, compute.isa(), Distribution.nativeFolder()));
        } catch (IllegalStateException e) {
            String asked = compute.kernels() == EngineOptions.KernelKind.AUTO ? "--device cpu" : "--kernels " + compute.kernels();
            throw new StartException(asked + ": " + e.getMessage(), e);
        }
    }
}
