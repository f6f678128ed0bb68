package dev.skald.boot;

import dev.skald.compute.Device;
import dev.skald.compute.DeviceInfo;
import dev.skald.compute.cpu.CpuDevice;
import dev.skald.compute.cpu.CpuOptions;
import dev.skald.compute.cuda.CudaDevice;
import dev.skald.compute.cuda.CudaSettings;
import dev.skald.compute.cuda.CudaUnavailableException;
import dev.skald.compute.reference.ReferenceDevice;
import dev.skald.tensor.DType;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;

/** Opens the device that was asked for, by name: never another one instead. */
final class Devices {
    private Devices() {}

    /**
     * What runs the model.
     *
     * @param info why that and nothing else
     */
    record Opened(Device device, DeviceInfo info) {
        static Opened of(Device device) {
            return new Opened(device, device.info());
        }

        Opened because(String why) {
            return new Opened(device, new DeviceInfo(info.backend(), info.name(), info.isa(), info.threads(), why + "; " + info.why()));
        }
    }

    /**
     * @param weights types of the model's tensors
     * @throws StartException with the reason, if it can't be had
     */
    static Opened open(EngineOptions.Compute compute, Set<DType> weights) {
        return switch (compute.device()) {
            case AUTO -> auto(compute, weights);
            case CPU -> Opened.of(cpu(compute));
            case REFERENCE -> Opened.of(new ReferenceDevice());
            case CUDA -> {
                try {
                    yield Opened.of(cuda(compute, weights));
                } catch (CudaUnavailableException e) {
                    throw StartException.noSuchDevice("--device cuda: " + e.getMessage(), e);
                }
            }
        };
    }

    /**
     * The CPU, for what only it can do.
     *
     * @param why a clause
     * @throws StartException if another device was asked for
     */
    static Opened openCpu(EngineOptions.Compute compute, String why) {
        return switch (compute.device()) {
            case CPU -> Opened.of(cpu(compute));
            case AUTO -> Opened.of(cpu(compute)).because("auto takes the CPU: " + why);
            case CUDA, REFERENCE -> throw StartException.askedWrongly("--device " + compute.device() + ": " + why);
        };
    }

    private static Opened auto(EngineOptions.Compute compute, Set<DType> weights) {
        try {
            return Opened.of(cuda(compute, weights)).because("auto takes the GPU, since there is one");
        } catch (CudaUnavailableException e) {
            return Opened.of(cpu(compute)).because("auto takes the CPU: " + e.getMessage());
        }
    }

    private static Device cuda(EngineOptions.Compute compute, Set<DType> weights) throws CudaUnavailableException {
        Optional<DType> without = weights.stream().filter(t -> !CudaDevice.supports(t)).sorted().findFirst();
        if (without.isPresent()) throw new CudaUnavailableException("the model has weights of type " + without.get() + ", for which there are no CUDA kernels yet");
        return CudaDevice.open(new CudaSettings(0, compute.batchInvariant(), compute.enforceEager(), cudaKernels()));
    }

    private static Path cudaKernels() {
        return Distribution.cudaKernels();
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
