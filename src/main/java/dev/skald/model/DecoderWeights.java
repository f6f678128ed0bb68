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
import dev.skald.tensor.Tensor;
import dev.skald.weights.Checkpoint;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
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
        try (MatrixLoader matrices = new MatrixLoader(spec, checkpoint, device, options)) {
            return new Loader(spec, checkpoint, device, options, matrices).load();
        }
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
            Tensor tensor = checkpoint.tensor(name);
            Shape shape = tensor.shape();
            if (shape.rank() == 1) {
                bytes += DType.F32.bytes(shape.elements());
                continue;
            }
            DType dtype = types.of(tensor);
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
            Tensor tensor = checkpoint.tensor(name);
            boolean table = name.equals(weight(spec.names().embedding())) && !spec.tiedHead();
            DType dtype = tensor.shape().rank() == 1 ? DType.F32 : types.of(tensor);
            if (!table) bytes += dtype.bytes(tensor.shape().elements());
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

    private record Loader(DecoderSpec spec, Checkpoint checkpoint, Device device, LoadOptions options, MatrixLoader matrices) {
        /** The table and the head it may be, made of the same tensor. */
        private record Table(Weight embedding, Optional<Projection> head) {}

        DecoderWeights load() {
            TensorNames names = spec.names();
            Table table = table();
            List<Layer> layers = new ArrayList<>();
            for (int i = 0; i < spec.layers(); i++) layers.add(layer(i));
            Weight finalNorm = vector(List.of(weight(names.finalNorm())));
            Projection head = table.head.orElseGet(() -> projection(false, names.head()));
            Weight rope = device.pack(WeightRole.ROPE_TABLE, List.of(RopeTable.of(spec.rope(), spec.headDim(), options.maxModelLength())));
            return new DecoderWeights(table.embedding, layers, finalNorm, head, rope);
        }

        private Table table() {
            return matrices.pack(List.of(weight(spec.names().embedding())), parts -> new Table(
                    device.pack(WeightRole.EMBEDDING, parts),
                    spec.tiedHead() ? Optional.of(new Projection(device.pack(WeightRole.LINEAR, parts), Epilogue.NONE)) : Optional.empty()));
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
            Weight weight = matrices.pack(parts.stream().map(DecoderWeights::weight).toList(), tensors -> device.pack(WeightRole.LINEAR, tensors));
            if (!hasBias) return new Projection(weight, Epilogue.NONE);
            return new Projection(weight, new Epilogue.Bias(vector(parts.stream().map(DecoderWeights::bias).toList())));
        }

        private Weight vector(List<String> names) {
            return device.pack(WeightRole.VECTOR, names.stream().map(checkpoint::tensor).map(t -> Conversion.to(DType.F32, t)).flatMap(this::inOrder).toList());
        }

        /** Biases of q and k stand in the order of their rows. */
        private Stream<Tensor> inOrder(Tensor bias) {
            TensorNames names = spec.names();
            return names.headRows() == HeadRows.PAIRS && names.isQueryOrKey(bias.name()) ? HeadRows.halves(bias, spec.headDim()) : Stream.of(bias);
        }
    }
}
