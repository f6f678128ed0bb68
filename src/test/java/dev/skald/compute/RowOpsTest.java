package dev.skald.compute;

import static dev.skald.compute.OpsFixture.ODD_WIDTHS;
import static dev.skald.compute.OpsFixture.assertClose;
import static dev.skald.compute.OpsFixture.random;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.skald.tensor.Buffer;
import dev.skald.tensor.DType;
import dev.skald.tensor.Elements;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Operations on single rows, on every device, against the formula in double. Tolerances grow with the length of the sum. */
class RowOpsTest {
    private static final int TOKENS = 5;
    private static final float EPS = 1e-5f;

    @ParameterizedTest
    @MethodSource("dev.skald.compute.TestDevices#all")
    void embedCopiesTheRowOfEachToken(TestDevices.Factory factory) {
        try (OpsFixture f = new OpsFixture(factory)) {
            float[][] table = random(1, OpsFixture.VOCABULARY, 13);
            Weight weight = f.device.pack(WeightRole.EMBEDDING, List.of(OpsFixture.matrix(table)));
            Buffer x = f.buffer(OpsFixture.LIMITS.maxTokens(), 13);
            f.upload(b -> {
                b.beginSequence(3, 2);
                b.token(36, 0);
                b.token(0, 1);
                b.beginSequence(1, 1);
                b.token(17, 0);
            });
            f.ops.embed(weight, x);
            assertArrayEquals(table[36], f.test.read(x, 0));
            assertArrayEquals(table[0], f.test.read(x, 1));
            assertArrayEquals(table[17], f.test.read(x, 2));
        }
    }

    @ParameterizedTest
    @MethodSource("dev.skald.compute.TestDevices#all")
    void normDividesByTheRootMeanSquare(TestDevices.Factory factory) {
        for (int n : ODD_WIDTHS) {
            try (OpsFixture f = new OpsFixture(factory)) {
                float[][] x = random(n, TOKENS, n);
                float[] weight = random(n + 1, 1, n)[0];
                Arrays.fill(x[4], 0); // eps alone keeps it finite
                Buffer out = f.buffer(TOKENS, n);
                Weight packed = f.vector(weight);
                f.uploadTokens(TOKENS);
                f.ops.norm(f.buffer(x), packed, EPS, out);
                for (int t = 0; t < TOKENS; t++) assertClose(norm(x[t], weight), f.test.read(out, t), 4, n + 8, "norm " + n);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("dev.skald.compute.TestDevices#all")
    void addNormAddsToTheResidualStreamAndNormsTheSum(TestDevices.Factory factory) {
        for (int n : ODD_WIDTHS) {
            try (OpsFixture f = new OpsFixture(factory)) {
                float[][] x = random(n, TOKENS, n);
                float[][] delta = random(n + 1, TOKENS, n);
                float[] weight = random(n + 2, 1, n)[0];
                Buffer stream = f.buffer(x);
                Buffer out = f.buffer(TOKENS, n);
                Weight packed = f.vector(weight);
                f.uploadTokens(TOKENS);
                f.ops.addNorm(stream, f.buffer(delta), packed, EPS, out);
                for (int t = 0; t < TOKENS; t++) {
                    for (int i = 0; i < n; i++) x[t][i] += delta[t][i];
                    assertArrayEquals(x[t], f.test.read(stream, t));
                    assertClose(norm(x[t], weight), f.test.read(out, t), 4, n + 8, "addNorm " + n);
                }
            }
        }
    }

    static Stream<Arguments> devicesAndTypes() {
        return TestDevices.all().flatMap(d -> Stream.of(DType.F32, DType.F16, DType.BF16).map(type -> Arguments.of(d, type)));
    }

    @ParameterizedTest
    @MethodSource("devicesAndTypes")
    void linearMultipliesAndAddsItsBias(TestDevices.Factory factory, DType type) {
        for (int tokens : new int[] {1, 2, TOKENS, 17}) {
            for (int in : ODD_WIDTHS) {
                for (int out : ODD_WIDTHS) {
                    try (OpsFixture f = new OpsFixture(factory)) {
                        checkLinear(f, tokens, in, out, type, factory.activationUnit(type) * 0x1p24);
                    }
                }
            }
        }
    }

    /** @param rounding half a unit of what activations are rounded to, in half-units of f32 */
    private static void checkLinear(OpsFixture f, int tokens, int in, int out, DType type, double rounding) {
        float[][] x = random(in, tokens, in);
        float[][] weight = random(out + 1, out, in);
        float[] bias = random(out + 2, 1, out)[0];
        Weight packed = f.device.pack(WeightRole.LINEAR, List.of(TestTensors.convert(type, OpsFixture.matrix(weight))));
        for (float[] row : weight) for (int i = 0; i < in; i++) row[i] = Elements.round(type, row[i]);
        Weight packedBias = f.vector(bias);
        f.uploadTokens(tokens);
        Buffer from = f.buffer(x);
        Buffer plain = f.buffer(tokens, out);
        Buffer biased = f.buffer(tokens, out);
        f.ops.linear(RowSet.TOKENS, packed, from, Epilogue.NONE, plain);
        f.ops.linear(RowSet.LOGIT_ROWS, packed, from, new Epilogue.Bias(packedBias), biased);
        for (int t = 0; t < tokens; t++) {
            float[] row = x[t];
            double[] product = IntStream.range(0, out).mapToDouble(o -> dot(row, weight[o])).toArray();
            double[] sum = IntStream.range(0, out).mapToDouble(o -> product[o] + bias[o]).toArray();
            String what = "linear " + in + " to " + out + ", row " + t + " of " + tokens;
            assertClose(product, f.test.read(plain, t), 4 * Math.sqrt(in), in + 4 + rounding, what);
            assertClose(sum, f.test.read(biased, t), 4 * Math.sqrt(in), in + 4 + rounding, what + " with bias");
        }
    }

    @ParameterizedTest
    @MethodSource("dev.skald.compute.TestDevices#all")
    void aPackedWeightIsItsPartsStackedInTheirOwnType(TestDevices.Factory factory) {
        float[][] top = {{1, 2, 3}, {0.5f, -1, 4}};
        float[][] bottom = {{-8, 0.25f, 1}};
        float[] x = {1, 10, 100};
        for (DType dtype : new DType[] {DType.F32, DType.F16, DType.BF16}) {
            try (OpsFixture f = new OpsFixture(factory)) {
                Weight weight = f.device.pack(
                        WeightRole.LINEAR, List.of(TestTensors.convert(dtype, OpsFixture.matrix(top)), TestTensors.convert(dtype, OpsFixture.matrix(bottom))));
                Weight bias = f.device.pack(
                        WeightRole.VECTOR, List.of(OpsFixture.vectorTensor(new float[] {1000, 2000}), OpsFixture.vectorTensor(new float[] {3000})));
                f.uploadTokens(1);
                Buffer out = f.buffer(1, 3);
                f.ops.linear(RowSet.TOKENS, weight, f.buffer(new float[][] {x}), new Epilogue.Bias(bias), out);
                assertArrayEquals(new float[] {1321, 2390.5f, 3094.5f}, f.test.read(out, 0), dtype.name());
            }
        }
    }

    @ParameterizedTest
    @MethodSource("dev.skald.compute.TestDevices#all")
    void activateGates(TestDevices.Factory factory) {
        try (OpsFixture f = new OpsFixture(factory)) {
            f.uploadTokens(TOKENS);
            for (int n : ODD_WIDTHS) {
                float[][] gateUp = random(n, TOKENS, 2 * n);
                for (int i = 0; i < n; i++) gateUp[4][i] *= 40; // far into both tails
                gateUp[3][0] = -200;
                Buffer out = f.buffer(TOKENS, n);
                f.ops.activate(Activation.SILU, f.buffer(gateUp), out);
                for (int t = 0; t < TOKENS; t++) {
                    float[] row = gateUp[t];
                    double[] expected = IntStream.range(0, n).mapToDouble(i -> row[i] / (1 + Math.exp(-row[i])) * row[n + i]).toArray();
                    assertClose(expected, f.test.read(out, t), t == 4 ? 200 : 4, 16, "activate " + n);
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("dev.skald.compute.TestDevices#all")
    void gatherRowsTakesTheTokensWhoseLogitsAreWanted(TestDevices.Factory factory) {
        try (OpsFixture f = new OpsFixture(factory)) {
            f.upload(b -> {
                b.beginSequence(0, 4);
                for (int t = 0; t < 4; t++) b.token(t, t);
                for (int token : new int[] {3, 1, 1}) b.row(token, 0, -1, -1);
            });
            float[][] x = random(1, 4, 13);
            Buffer out = f.buffer(3, 13);
            f.ops.gatherRows(f.buffer(x), out);
            assertArrayEquals(x[3], f.test.read(out, 0));
            assertArrayEquals(x[1], f.test.read(out, 1));
            assertArrayEquals(x[1], f.test.read(out, 2));
        }
    }

    @ParameterizedTest
    @MethodSource("dev.skald.compute.TestDevices#all")
    void shapesThatDontFitAreRefused(TestDevices.Factory factory) {
        try (OpsFixture f = new OpsFixture(factory)) {
            Weight weight = f.linear(random(1, 3, 4));
            Buffer three = f.buffer(1, 3);
            assertThrows(
                    IllegalArgumentException.class,
                    () -> f.device.pack(WeightRole.LINEAR, List.of(OpsFixture.matrix(random(1, 2, 3)), OpsFixture.matrix(random(1, 2, 4)))));
            f.uploadTokens(1);
            assertThrows(IllegalArgumentException.class, () -> f.ops.linear(RowSet.TOKENS, weight, three, Epilogue.NONE, three));
            assertThrows(IllegalArgumentException.class, () -> f.ops.activate(Activation.SILU, three, three));
        }
    }

    private static double dot(float[] a, float[] b) {
        return IntStream.range(0, a.length).mapToDouble(i -> (double) a[i] * b[i]).sum();
    }

    private static double[] norm(float[] x, float[] weight) {
        double scale = 1 / Math.sqrt(dot(x, x) / x.length + EPS);
        return IntStream.range(0, x.length).mapToDouble(i -> x[i] * scale * weight[i]).toArray();
    }
}
