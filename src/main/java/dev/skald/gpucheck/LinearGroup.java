package dev.skald.gpucheck;

import dev.skald.compute.BatchLimits;
import dev.skald.compute.Epilogue;
import dev.skald.compute.KvGroup;
import dev.skald.compute.RowSet;
import dev.skald.compute.Weight;
import dev.skald.compute.WeightRole;
import dev.skald.compute.reference.QuantisedLinearReference;
import dev.skald.tensor.Buffer;
import dev.skald.tensor.DType;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** Products with weights of one type, for every number of rows at which another kernel begins and those beside it. */
final class LinearGroup implements KernelGroup {
    private static final int MOST_ROWS = 150;
    private static final int[] ROWS = {1, 2, 7, 8, 9, 17, 33, 64, 65, MOST_ROWS};
    /** In and out, before an input is rounded up to whole blocks of the type. */
    private static final int[][] SHAPES = {{1, 1}, {13, 7}, {205, 83}, {1040, 130}};
    /** Above so many rows a device with cuBLAS rounds activations to the weight's type. */
    private static final int EXACT_ROWS = 64;

    private final DType type;

    LinearGroup(DType type) {
        this.type = type;
    }

    @Override
    public String name() {
        return "linear, " + type;
    }

    @Override
    public OpsRig.Room room() {
        return new OpsRig.Room(new BatchLimits(MOST_ROWS, 1, MOST_ROWS, 16, 0), new KvGroup(1, 1, 2, 16, DType.F16), 16, 32);
    }

    private record Packed(int in, int out, Weight weight, Weight bias) {}

    private int in(int[] shape) {
        return Math.ceilDiv(shape[0], type.blockElements()) * type.blockElements();
    }

    private static float[][] weight(int in, int out) {
        return OpsRig.random(out + 1, out, in);
    }

    private static float[] bias(int out) {
        return OpsRig.random(out + 2, 1, out)[0];
    }

    private static float[][] activations(int in) {
        return OpsRig.random(in, MOST_ROWS, in);
    }

    @Override
    public void run(OpsRig rig, Outputs outputs) {
        List<Packed> all = new ArrayList<>();
        for (int[] shape : SHAPES) {
            int in = in(shape);
            int out = shape[1];
            all.add(new Packed(in, out, rig.pack(WeightRole.LINEAR, type, weight(in, out)), rig.vector(bias(out))));
        }
        for (Packed p : all) {
            float[][] x = activations(p.in());
            for (int rows : ROWS) {
                Buffer in = rig.buffer(Arrays.copyOf(x, rows));
                Buffer out = rig.buffer(rows, p.out());
                rig.uploadTokens(rows);
                rig.ops().linear(RowSet.TOKENS, p.weight(), in, Epilogue.NONE, out);
                add(outputs, p.in(), p.out(), rows, false, rig.exactProducts(), rig.read(out, rows));
                rig.ops().linear(RowSet.LOGIT_ROWS, p.weight(), in, new Epilogue.Bias(p.bias()), out);
                add(outputs, p.in(), p.out(), rows, true, rig.exactProducts(), rig.read(out, rows));
            }
        }
    }

    @Override
    public boolean isDefined() {
        return type.quantised();
    }

    /** Products with quantised weights are sums of integers, defined to the bit; the reference device's own are not such. */
    @Override
    public void define(Outputs outputs) {
        for (int[] shape : SHAPES) {
            int in = in(shape);
            int out = shape[1];
            MemorySegment weight = OpsRig.stored(type, weight(in, out)).data();
            float[][] x = activations(in);
            float[] plain = new float[MOST_ROWS * out];
            float[] biased = new float[MOST_ROWS * out];
            for (int r = 0; r < MOST_ROWS; r++) {
                System.arraycopy(QuantisedLinearReference.linear(type, weight, out, x[r], new float[0]), 0, plain, r * out, out);
                System.arraycopy(QuantisedLinearReference.linear(type, weight, out, x[r], bias(out)), 0, biased, r * out, out);
            }
            for (int rows : ROWS) {
                add(outputs, in, out, rows, false, true, Arrays.copyOf(plain, rows * out));
                add(outputs, in, out, rows, true, true, Arrays.copyOf(biased, rows * out));
            }
        }
    }

    private void add(Outputs outputs, int in, int out, int rows, boolean biased, boolean exact, float[] values) {
        boolean many = !exact && rows > EXACT_ROWS && !type.quantised();
        String kernel = "linear " + type.name().toLowerCase(Locale.ROOT) + (many ? ", many rows" : "");
        outputs.add(kernel, in + " to " + out + ", " + rows + " rows" + (biased ? ", with bias" : ""), bound(many, in), values);
    }

    /**
     * Four deviations of the sum, times what rounding adds to it: of the sums themselves, on both devices; of activations split into two numbers of
     * the weight's type; of activations in the weight's type, where cuBLAS multiplies.
     */
    private double bound(boolean many, int in) {
        if (type.quantised()) return 0;
        double activations = switch (type) {
            case F16 -> many ? 0x1p-11 : 0x1p-20;
            case BF16 -> many ? 0x1p-8 : 0x1p-16;
            default -> 0;
        };
        return 4 * Math.sqrt(in) * (2 * (in + 4) * HALF_UNIT + activations);
    }
}
