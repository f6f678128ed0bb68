package dev.skald.model;

import dev.skald.compute.Device;
import dev.skald.compute.PackedWeight;
import dev.skald.compute.Weight;
import dev.skald.compute.WeightRole;
import dev.skald.weights.CheckpointException;
import dev.skald.weights.PackedCheckpoint;
import dev.skald.weights.PackedEntry;
import java.util.List;
import java.util.Locale;

/** Has a device adopt the weights of a packed file, after their sizes were held against the tensors that they are made of. */
final class PackedLoader implements WeightMaker {
    private final PackedCheckpoint file;
    private final Device device;

    /** @throws ModelException if the device reads another layout, or none */
    PackedLoader(PackedCheckpoint file, Device device) {
        this.file = file;
        this.device = device;
        String read = device.packedLayout().orElseThrow(() -> new ModelException(
                file.file() + " holds weights as a CPU's kernels read them; " + device.info().name() + " can't: give it the model that the file was made from"));
        if (!read.equals(file.layout())) {
            throw new ModelException(file.file() + " has its weights in the layout " + file.layout() + ", and this Skald reads " + read
                    + ": make it again from its source with `skald quantize SRC " + file.file() + " --packed --force`");
        }
    }

    /** What packed weights of a role are called in files. */
    static String name(WeightRole role) {
        return role.name().toLowerCase(Locale.ROOT);
    }

    @Override
    public List<Weight> make(List<WeightRole> roles, List<String> names) {
        return roles.stream().map(role -> adopt(role, names)).toList();
    }

    private Weight adopt(WeightRole role, List<String> names) {
        PackedEntry entry = file.entry(name(role), names.getFirst());
        long outermost = names.stream().mapToLong(name -> file.shape(name).dim(0)).sum();
        boolean vector = role == WeightRole.VECTOR;
        long rows = vector ? 1 : outermost;
        long cols = vector ? outermost : file.shape(names.getFirst()).dim(1);
        if (entry.rows() != rows || entry.cols() != cols) {
            throw new CheckpointException(file.file() + " has the packed weight " + name(role) + " " + names.getFirst() + " of " + entry.rows() + " × "
                    + entry.cols() + ", expected " + rows + " × " + cols);
        }
        try {
            return device.adopt(new PackedWeight(role, entry.dtype(), entry.rows(), entry.cols(), entry.sections().stream()
                    .map(s -> new PackedWeight.Section(s.layout(), s.firstRow(), s.rows(), s.data()))
                    .toList()));
        } catch (IllegalArgumentException e) {
            throw new CheckpointException(file.file() + ", packed weight " + name(role) + " " + names.getFirst() + ": " + e.getMessage(), e);
        }
    }

    @Override
    public void close() {}
}
