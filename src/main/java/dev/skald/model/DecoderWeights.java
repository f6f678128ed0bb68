package dev.skald.model;

import dev.skald.compute.Device;
import dev.skald.compute.Epilogue;
import dev.skald.compute.Ops;
import dev.skald.compute.RowSet;
import dev.skald.compute.Weight;
import dev.skald.compute.WeightRole;
import dev.skald.tensor.Buffer;
import dev.skald.tensor.DType;
import dev.skald.tensor.Shape;
import dev.skald.weights.Checkpoint;
import dev.skald.weights.PackedCheckpoint;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * A decoder's weights as its device packed them.
 *
 * @param embedding [vocabulary, hidden]
 * @param layers    in order
 * @param finalNorm [1, hidden]
 * @param head      [vocabulary, hidden]
 * @param ropeTable [maximum model length, headDim]
 */
public record DecoderWeights(Weight embedding, List<Layer> layers, Weight finalNorm, Projection head, Weight ropeTable) {
    /**
     * @param inputNorm         [1, hidden]
     * @param qkv               [(heads + 2·kvHeads)·headDim, hidden]
     * @param output            [hidden, heads·headDim]
     * @param postAttentionNorm [1, hidden]
     * @param gateUp            [2·intermediate, hidden]
     * @param down              [hidden, intermediate]
     */
    public record Layer(
            Weight inputNorm, Projection qkv, Projection output, Weight postAttentionNorm, Projection gateUp, Projection down) {}

    /** A weight and what follows its product. */
    public record Projection(Weight weight, Epilogue epilogue) {
        void apply(Ops ops, RowSet rows, Buffer in, Buffer out) {
            ops.linear(rows, weight, in, epilogue, out);
        }

        Stream<Weight> weights() {
            return epilogue instanceof Epilogue.Bias(Weight bias) ? Stream.of(weight, bias) : Stream.of(weight);
        }
    }

    public DecoderWeights {
        layers = List.copyOf(layers);
    }

    /**
     * Checks names and shapes, converts what isn't of the wanted type, and packs.
     *
     * @throws ModelException naming missing, extra or wrongly shaped tensors
     */
    static DecoderWeights load(DecoderSpec spec, Checkpoint checkpoint, Device device, LoadOptions options) {
        ExpectedTensors.of(spec).check(checkpoint);
        try (WeightMaker maker = checkpoint instanceof PackedCheckpoint packed
                ? new PackedLoader(packed, device)
                : new MatrixLoader(spec, checkpoint, options, device.info().threads(), device::pack, device::release)) {
            Weight rope = device.pack(WeightRole.ROPE_TABLE, List.of(RopeTable.of(spec.rope(), spec.headDim(), options.maxModelLength())));
            return make(spec, maker, rope);
        }
    }

    /** Makes all weights, in the order in which a forward pass meets them, but for a head that is the embedding too. */
    static DecoderWeights make(DecoderSpec spec, WeightMaker maker, Weight ropeTable) {
        return new Loader(spec, maker).load(ropeTable);
    }

    /** {@link Device#packedBytes}, or what stands in for it. */
    @FunctionalInterface
    interface PackedBytes {
        long of(WeightRole role, DType dtype, int rows, int cols);
    }

    static long bytes(DecoderSpec spec, Checkpoint checkpoint, PackedBytes packed, LoadOptions options) {
        ExpectedTensors.of(spec).check(checkpoint);
        TensorNames names = spec.names();
        LoadedTypes types = new LoadedTypes(spec, options);
        long bytes = DType.F32.bytes((long) options.maxModelLength() * spec.headDim());
        for (String name : ExpectedTensors.of(spec).names()) {
            Shape shape = checkpoint.shape(name);
            if (shape.rank() == 1) {
                bytes += DType.F32.bytes(shape.elements());
                continue;
            }
            DType dtype = types.of(name, checkpoint.dtype(name));
            int rows = Math.toIntExact(shape.dim(0));
            int cols = Math.toIntExact(shape.dim(1));
            boolean embedding = name.equals(weight(names.embedding()));
            if (embedding) bytes += packed.of(WeightRole.EMBEDDING, dtype, rows, cols);
            if (!embedding || spec.tiedHead()) bytes += packed.of(WeightRole.LINEAR, dtype, rows, cols);
        }
        return bytes;
    }

    /** See {@link Decoder#readBytes}. */
    static long readBytes(DecoderSpec spec, Checkpoint checkpoint, LoadOptions options) {
        LoadedTypes types = new LoadedTypes(spec, options);
        long bytes = 0;
        for (String name : ExpectedTensors.of(spec).names()) {
            Shape shape = checkpoint.shape(name);
            boolean table = name.equals(weight(spec.names().embedding())) && !spec.tiedHead();
            DType dtype = shape.rank() == 1 ? DType.F32 : types.of(name, checkpoint.dtype(name));
            if (!table) bytes += dtype.bytes(shape.elements());
        }
        return bytes;
    }

    /** Bytes of device memory that all weights take together. */
    public long deviceBytes() {
        Stream<Weight> inLayers = layers.stream()
                .flatMap(l -> Stream.of(
                                Stream.of(l.inputNorm, l.postAttentionNorm),
                                Stream.of(l.qkv, l.output, l.gateUp, l.down).flatMap(Projection::weights))
                        .flatMap(s -> s));
        Stream<Weight> others = Stream.concat(Stream.of(embedding, finalNorm, ropeTable), head.weights());
        return Stream.concat(inLayers, others).mapToLong(Weight::bytes).sum();
    }

    static String weight(String module) {
        return module + ".weight";
    }

    static String bias(String module) {
        return module + ".bias";
    }

    private record Loader(DecoderSpec spec, WeightMaker maker) {
        DecoderWeights load(Weight ropeTable) {
            TensorNames names = spec.names();
            List<WeightRole> roles = spec.tiedHead() ? List.of(WeightRole.EMBEDDING, WeightRole.LINEAR) : List.of(WeightRole.EMBEDDING);
            List<Weight> table = maker.make(roles, List.of(weight(names.embedding())));
            List<Layer> layers = new ArrayList<>();
            for (int i = 0; i < spec.layers(); i++) layers.add(layer(i));
            Weight finalNorm = vector(List.of(weight(names.finalNorm())));
            Projection head = spec.tiedHead() ? new Projection(table.getLast(), Epilogue.NONE) : projection(false, names.head());
            return new DecoderWeights(table.getFirst(), layers, finalNorm, head, ropeTable);
        }

        private Layer layer(int i) {
            TensorNames names = spec.names();
            TensorNames.Layer layer = names.layer();
            return new Layer(
                    vector(List.of(weight(names.inLayer(i, layer.inputNorm())))),
                    projection(
                            spec.qkvBias(),
                            names.inLayer(i, layer.query()),
                            names.inLayer(i, layer.key()),
                            names.inLayer(i, layer.value())),
                    projection(spec.outputBias(), names.inLayer(i, layer.output())),
                    vector(List.of(weight(names.inLayer(i, layer.postAttentionNorm())))),
                    projection(spec.mlpBias(), names.inLayer(i, layer.gate()), names.inLayer(i, layer.up())),
                    projection(spec.mlpBias(), names.inLayer(i, layer.down())));
        }

        private Projection projection(boolean hasBias, String... modules) {
            List<String> parts = List.of(modules);
            Weight weight = maker.make(List.of(WeightRole.LINEAR), parts.stream().map(DecoderWeights::weight).toList()).getFirst();
            if (!hasBias) return new Projection(weight, Epilogue.NONE);
            return new Projection(weight, new Epilogue.Bias(vector(parts.stream().map(DecoderWeights::bias).toList())));
        }

        private Weight vector(List<String> names) {
            return maker.make(List.of(WeightRole.VECTOR), names).getFirst();
        }
    }
}
