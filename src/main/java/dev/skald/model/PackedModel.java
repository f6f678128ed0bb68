package dev.skald.model;

import dev.skald.compute.PackedWeight;
import dev.skald.compute.Packer;
import dev.skald.compute.Weight;
import dev.skald.compute.WeightRole;
import dev.skald.tensor.DType;
import dev.skald.tensor.Tensor;
import dev.skald.weights.Checkpoint;
import dev.skald.weights.PackedEntry;
import dev.skald.weights.PackedWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.util.List;

/** Writes a model's weights as a device would hold them, one at a time, by the same way that loads them. */
public final class PackedModel {
    private static final long ALIGNMENT = 64;

    private PackedModel() {}

    /**
     * Writes the weights and finishes the file, whose documents the caller has put there before.
     *
     * @param options as the model would be loaded
     * @throws ModelException naming missing, extra or wrongly shaped tensors
     * @throws IOException    if the file can't be written
     */
    public static void write(DecoderSpec spec, Checkpoint checkpoint, LoadOptions options, Packer packer, PackedWriter writer) throws IOException {
        ExpectedTensors expected = ExpectedTensors.of(spec);
        expected.check(checkpoint);
        LoadedTypes types = new LoadedTypes(spec, options);
        expected.shapes().forEach((name, shape) -> writer.tensor(name, shape.rank() == 1 ? checkpoint.dtype(name) : types.of(name, checkpoint.dtype(name)), shape));
        MatrixLoader.Packing packing = (role, parts) -> write(packer, writer, role, parts);
        try (WeightMaker maker = new MatrixLoader(spec, checkpoint, options, packer.threads(), packing, source -> packer.release(List.of(source)))) {
            DecoderWeights.make(spec, maker, new Written(DType.F32, 1, 1));
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
        writer.finish(packer.layout(), checkpoint.format(), options.dtype(), Fingerprint.model(spec, checkpoint));
    }

    private static Weight write(Packer packer, PackedWriter writer, WeightRole role, List<Tensor> parts) {
        try (Arena arena = Arena.ofShared()) {
            PackedWeight packed = packer.pack(role, parts, bytes -> arena.allocate(bytes, ALIGNMENT));
            writer.weight(PackedLoader.name(role), parts.getFirst().name(), new PackedEntry(packed.dtype(), packed.rows(), packed.cols(), packed.sections().stream()
                    .map(s -> new PackedEntry.Section(s.layout(), s.firstRow(), s.rows(), s.data()))
                    .toList()));
            // The rows of one tensor may be parts by themselves; they are neighbours.
            if (role == WeightRole.LINEAR) packer.release(parts);
            return new Written(packed.dtype(), packed.rows(), packed.cols());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Stands in the place of a weight that is in the file now. */
    private record Written(DType dtype, int rows, int cols) implements Weight {
        @Override
        public long bytes() {
            return 0;
        }
    }
}
