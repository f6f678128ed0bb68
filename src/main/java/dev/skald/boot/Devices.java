package dev.skald.boot;

import dev.skald.compute.Device;
import dev.skald.compute.cpu.CpuDevice;
import dev.skald.compute.reference.ReferenceDevice;

/** Opens the device that was asked for, by name: never another one instead. */
final class Devices {
    private Devices() {}

    /** @throws StartException with the reason, if it can't be had */
    static Device open(EngineOptions.Compute compute) {
        if (compute.kernels() == EngineOptions.KernelKind.NATIVE) {
            throw new StartException("--kernels native: this release has no native kernels yet; --kernels java (or auto) runs the ones in Java");
        }
        return switch (compute.device()) {
            case AUTO, CPU -> cpu(compute);
            case REFERENCE -> new ReferenceDevice();
            case CUDA -> throw new StartException("--device cuda: this release runs on the CPU only; there is no CUDA device in it yet");
        };
    }

    private static Device cpu(EngineOptions.Compute compute) {
        try {
            return CpuDevice.open(compute.threads());
        } catch (IllegalStateException e) {
            throw new StartException("--device cpu: " + e.getMessage(), e);
        }
    }
}
