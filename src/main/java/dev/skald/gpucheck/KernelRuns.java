package dev.skald.gpucheck;

import dev.skald.compute.cuda.CudaDevice;
import dev.skald.compute.cuda.CudaProbe;
import dev.skald.compute.cuda.CudaUnavailableException;
import dev.skald.compute.reference.ReferenceDevice;
import dev.skald.compute.reference.ReferenceProbe;
import dev.skald.tensor.DType;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** Runs groups of kernels on a device, and keeps what came out in a file for another process. */
final class KernelRuns {
    private static final List<DType> WANTED = Stream.of(DType.values()).filter(type -> type != DType.I32).toList();

    private KernelRuns() {}

    /** Weight types for which the CUDA device has kernels. */
    static List<DType> supported() {
        return WANTED.stream().filter(CudaDevice::supports).toList();
    }

    /** Weight types for which it has none yet. */
    static List<DType> notBuilt() {
        return WANTED.stream().filter(type -> !CudaDevice.supports(type)).toList();
    }

    static List<KernelGroup.Output> onCuda(KernelGroup group, Surroundings surroundings, boolean batchInvariant) throws CudaUnavailableException {
        CudaDevice device = CudaDevice.open(surroundings.cuda(batchInvariant));
        try (OpsRig rig = new OpsRig(device, new CudaProbe(device), group.room(), batchInvariant)) {
            return run(group, rig);
        }
    }

    /** What a group must come to: on the reference device, or by definition. */
    static List<KernelGroup.Output> expected(KernelGroup group) {
        if (group.isDefined()) {
            KernelGroup.Outputs outputs = new KernelGroup.Outputs();
            group.define(outputs);
            return outputs.all();
        }
        try (OpsRig rig = new OpsRig(new ReferenceDevice(), new ReferenceProbe(), group.room(), true)) {
            return run(group, rig);
        }
    }

    private static List<KernelGroup.Output> run(KernelGroup group, OpsRig rig) {
        KernelGroup.Outputs outputs = new KernelGroup.Outputs();
        group.run(rig, outputs);
        return outputs.all();
    }

    static void save(List<KernelGroup.Output> outputs, Path file) throws IOException {
        try (DataOutputStream out = new DataOutputStream(new BufferedOutputStream(Files.newOutputStream(file)))) {
            out.writeInt(outputs.size());
            for (KernelGroup.Output output : outputs) {
                out.writeUTF(output.kernel());
                out.writeUTF(output.what());
                out.writeDouble(output.bound());
                out.writeInt(output.values().length);
                for (float v : output.values()) out.writeInt(Float.floatToRawIntBits(v));
            }
        }
    }

    static List<KernelGroup.Output> load(Path file) throws IOException {
        try (DataInputStream in = new DataInputStream(new BufferedInputStream(Files.newInputStream(file)))) {
            List<KernelGroup.Output> outputs = new ArrayList<>();
            for (int i = in.readInt(); i > 0; i--) {
                String kernel = in.readUTF();
                String what = in.readUTF();
                double bound = in.readDouble();
                float[] values = new float[in.readInt()];
                for (int v = 0; v < values.length; v++) values[v] = Float.intBitsToFloat(in.readInt());
                outputs.add(new KernelGroup.Output(kernel, what, bound, values));
            }
            return outputs;
        }
    }
}
