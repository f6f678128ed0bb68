package dev.skald.compute;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.skald.compute.reference.QuantisedLinearReference;
import dev.skald.sampling.SamplingParams;
import dev.skald.sampling.SlotSetup;
import dev.skald.tensor.Blocks;
import dev.skald.tensor.Buffer;
import dev.skald.tensor.DType;
import dev.skald.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Products with quantised weights are the reference's, to the bit, on every kind of kernels that this machine has, the (simulated) GPU's included. */
class QuantisedLinearTest {
    private static final int MAX_ROWS = 70;
    private static final int[] ROWS = {1, 2, 3, 4, 5, 6, 7, 8, 9, 17, 49, 70};
    private static final BatchLimits LIMITS = new BatchLimits(MAX_ROWS, 1, 1, 8, 0);
    /** f16: 0, −0, the least denormal, 1, −1, the greatest, infinity, −infinity, NaN. */
    private static final int[] SCALES = {0, 0x8000, 1, 0x3C00, 0xBC00, 0x7BFF, 0x7C00, 0xFC00, 0x7E00};
    /** Integers at their least, at their greatest, and mixed: 0x80 is −128 in a byte, 0x88 is 0 in a nibble of Q4_0. */
    private static final int[] FILLS = {0x00, 0xFF, 0x80, 0x7F, 0x88, 0x0F};

    /** A weight and the products it is to give. */
    private record Case(Tensor tensor, float[] bias, Weight weight, Epilogue epilogue) {
        int cols() {
            return (int) tensor.shape().dim(1);
        }

        int outputs() {
            return (int) tensor.shape().dim(0);
        }
    }

    private static final class Fixture implements AutoCloseable {
        final TestDevice test;
        final Device device;
        private final KvCache cache;
        private final List<Case> cases = new ArrayList<>();

        Fixture(TestDevices.Factory factory) {
            test = factory.open();
            device = test.device();
            cache = device.kvCache(List.of(new KvGroup(1, 1, 8, 16, DType.F32)), 8);
        }

        void add(Tensor tensor, float... bias) {
            Weight weight = device.pack(WeightRole.LINEAR, List.of(tensor));
            Epilogue epilogue = bias.length == 0
                    ? Epilogue.NONE
                    : new Epilogue.Bias(device.pack(WeightRole.VECTOR, List.of(OpsFixture.vectorTensor(bias))));
            cases.add(new Case(tensor, bias, weight, epilogue));
        }

        void start() {
            device.start(LIMITS, cache, 10);
            device.setSlot(0, new SlotSetup(SamplingParams.GREEDY, 1, 0, 0, List.of(), new int[0], new int[0]));
        }

        void upload(int tokens) {
            Batch batch = device.batch(LIMITS);
            batch.beginSequence(0, tokens);
            for (int t = 0; t < tokens; t++) batch.token(0, t);
            device.upload(batch);
        }

        /** Runs a case on each prefix of the rows and compares it with the reference. */
        void check(Case c, float[][] rows, int... prefixes) {
            float[][] expected = new float[rows.length][];
            DType type = c.tensor.dtype();
            MemorySegment data = c.tensor.data();
            for (int r = 0; r < rows.length; r++) expected[r] = QuantisedLinearReference.linear(type, data, c.outputs(), rows[r], c.bias);
            Buffer in = device.buffer(DType.F32, rows.length, c.cols());
            for (int r = 0; r < rows.length; r++) test.write(in, r, rows[r]);
            for (int prefix : prefixes) {
                Buffer out = device.buffer(DType.F32, prefix, c.outputs());
                upload(prefix);
                device.ops().linear(RowSet.TOKENS, c.weight, in, c.epilogue, out);
                for (int r = 0; r < prefix; r++) {
                    assertArrayEquals(bits(expected[r]), bits(test.read(out, r)), c.tensor + ", row " + r + " of " + prefix + " of " + Arrays.toString(expected[r]));
                }
            }
        }

        @Override
        public void close() {
            test.close();
        }
    }

    /** NaN is NaN, zeros have signs. */
    private static int[] bits(float[] values) {
        int[] bits = new int[values.length];
        for (int i = 0; i < bits.length; i++) bits[i] = Float.floatToIntBits(values[i]);
        return bits;
    }

    private static float[][] activations(int rows, int cols, long seed) {
        Random random = new Random(seed);
        float[][] values = new float[rows][cols];
        for (float[] row : values) {
            for (int i = 0; i < cols; i++) row[i] = (float) (random.nextGaussian() * Math.exp(3 * random.nextGaussian()));
        }
        return values;
    }

    @ParameterizedTest
    @MethodSource("dev.skald.compute.TestDevices#integerProducts")
    void oddSizesGiveTheReferencesBits(TestDevices.Factory factory) {
        try (Fixture fixture = new Fixture(factory)) {
            for (DType type : QuantisedWeights.TYPES) {
                fixture.add(QuantisedWeights.random(type, 1, type.blockElements(), 1));
                fixture.add(QuantisedWeights.random(type, 17, 3 * type.blockElements(), 2), OpsFixture.random(3, 1, 17)[0]);
                fixture.add(QuantisedWeights.random(type, 47, 2 * type.blockElements(), 4));
            }
            fixture.start();
            for (Case c : fixture.cases) fixture.check(c, activations(MAX_ROWS, c.cols(), 5), ROWS);
        }
    }

    @ParameterizedTest
    @MethodSource("dev.skald.compute.TestDevices#integerProducts")
    void longRowsGiveTheReferencesBits(TestDevices.Factory factory) {
        try (Fixture fixture = new Fixture(factory)) {
            for (DType type : QuantisedWeights.TYPES) fixture.add(QuantisedWeights.random(type, 33, 1280, 6));
            fixture.start();
            for (Case c : fixture.cases) fixture.check(c, activations(19, c.cols(), 7), 1, 19);
        }
    }

    @ParameterizedTest
    @MethodSource("dev.skald.compute.TestDevices#integerProducts")
    void integersAtTheirLimitsNeitherSaturateNorOverflow(TestDevices.Factory factory) {
        try (Fixture fixture = new Fixture(factory)) {
            for (DType type : QuantisedWeights.TYPES) {
                for (int fill : FILLS) {
                    for (int scale : SCALES) fixture.add(QuantisedWeights.filled(type, 2, 256, fill, scale));
                }
            }
            fixture.start();
            float[][] rows = new float[12][256];
            Arrays.fill(rows[0], 1);
            Arrays.fill(rows[1], -1);
            for (int i = 0; i < 256; i++) {
                rows[2][i] = i % 2 == 0 ? 3 : -3;
                rows[3][i] = i % 4 < 2 ? 0.1f : -0.1f;
                rows[4][i] = i / 16 % 2 == 0 ? Float.MAX_VALUE : -Float.MAX_VALUE;
                rows[5][i] = Float.MIN_VALUE * i;
                rows[6][i] = 0x1p-100f;
                rows[7][i] = (i - 128) * 0.5f; // halves, to be rounded to even
                rows[8][i] = i == 200 ? Float.NaN : 1;
                rows[9][i] = i == 0 ? Float.NEGATIVE_INFINITY : 1;
                rows[10][i] = i == 255 ? 1e30f : 1e-30f;
            }
            for (Case c : fixture.cases) fixture.check(c, rows, 1, rows.length);
        }
    }

    @ParameterizedTest
    @MethodSource("dev.skald.compute.TestDevices#integerProducts")
    void partsOfDifferentTypesStackIntoOneWeight(TestDevices.Factory factory) {
        try (Fixture fixture = new Fixture(factory)) {
            List<Tensor> parts = List.of(
                    QuantisedWeights.random(DType.Q4_K, 20, 256, 8),
                    QuantisedWeights.random(DType.Q4_K, 5, 256, 9),
                    QuantisedWeights.random(DType.Q6_K, 7, 256, 10),
                    TestTensors.convert(DType.F16, OpsFixture.matrix(OpsFixture.random(11, 3, 256))),
                    QuantisedWeights.random(DType.Q3_K, 2, 256, 12));
            Weight stacked = fixture.device.pack(WeightRole.LINEAR, parts);
            float[] bias = OpsFixture.random(13, 1, 37)[0];
            Weight added = fixture.device.pack(WeightRole.VECTOR, List.of(OpsFixture.vectorTensor(bias)));
            List<Weight> alone = parts.stream().map(part -> fixture.device.pack(WeightRole.LINEAR, List.of(part))).toList();
            fixture.start();
            assertEquals(37, stacked.rows());
            float[][] rows = activations(9, 256, 14);
            Buffer in = fixture.device.buffer(DType.F32, 9, 256);
            for (int r = 0; r < 9; r++) fixture.test.write(in, r, rows[r]);
            Buffer out = fixture.device.buffer(DType.F32, 9, 37);
            fixture.upload(9);
            fixture.device.ops().linear(RowSet.TOKENS, stacked, in, new Epilogue.Bias(added), out);
            int first = 0;
            for (Weight part : alone) {
                Buffer piece = fixture.device.buffer(DType.F32, 9, part.rows());
                fixture.device.ops().linear(RowSet.TOKENS, part, in, Epilogue.NONE, piece);
                for (int r = 0; r < 9; r++) {
                    float[] expected = fixture.test.read(piece, r);
                    for (int o = 0; o < expected.length; o++) expected[o] += bias[first + o];
                    assertArrayEquals(expected, Arrays.copyOfRange(fixture.test.read(out, r), first, first + part.rows()));
                }
                first += part.rows();
            }
        }
    }

    @ParameterizedTest
    @MethodSource("dev.skald.compute.TestDevices#all")
    void rowsOfAQuantisedTableAreWidenedAsTheFileMeansThem(TestDevices.Factory factory) {
        try (Fixture fixture = new Fixture(factory)) {
            List<Tensor> tables = QuantisedWeights.TYPES.stream().map(type -> QuantisedWeights.random(type, 10, 512, 15)).toList();
            List<Weight> weights = tables.stream().map(table -> fixture.device.pack(WeightRole.EMBEDDING, List.of(table))).toList();
            fixture.start();
            Batch batch = fixture.device.batch(LIMITS);
            batch.beginSequence(0, 3);
            for (int t = 0; t < 3; t++) batch.token(9 - 4 * t, t);
            fixture.device.upload(batch);
            for (int i = 0; i < tables.size(); i++) {
                Buffer out = fixture.device.buffer(DType.F32, 3, 512);
                fixture.device.ops().embed(weights.get(i), out);
                for (int t = 0; t < 3; t++) {
                    float[] expected = new float[512];
                    Blocks.dequantise(tables.get(i).dtype(), tables.get(i).data(), (9 - 4L * t) * 512, expected);
                    assertArrayEquals(expected, fixture.test.read(out, t), tables.get(i).toString());
                }
            }
        }
    }
}
