package dev.skald.gpucheck;

import dev.skald.compute.BatchLimits;
import dev.skald.compute.Epilogue;
import dev.skald.compute.KvGroup;
import dev.skald.compute.RowSet;
import dev.skald.compute.Weight;
import dev.skald.compute.WeightRole;
import dev.skald.tensor.Buffer;
import dev.skald.tensor.DType;
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

    @Override
    public void run(OpsRig rig, Outputs outputs) {
        List<Packed> all = new ArrayList<>();
        for (int[] shape : SHAPES) {
            int in = Math.ceilDiv(shape[0], type.blockElements()) * type.blockElements();
            int out = shape[1];
            Weight weight = rig.pack(WeightRole.LINEAR, type, OpsRig.random(out + 1, out, in));
            all.add(new Packed(in, out, weight, rig.vector(OpsRig.random(out + 2, 1, out)[0])));
        }
        for (Packed p : all) {
            float[][] x = OpsRig.random(p.in(), MOST_ROWS, p.in());
            for (int rows : ROWS) {
                Buffer in = rig.buffer(Arrays.copyOf(x, rows));
                Buffer out = rig.buffer(rows, p.out());
                rig.uploadTokens(rows);
                String kernel = "linear " + type.name().toLowerCase(Locale.ROOT) + (!rig.exactProducts() && rows > EXACT_ROWS ? ", many rows" : "");
                String what = p.in() + " to " + p.out() + ", " + rows + " rows";
                double bound = bound(rows, p.in(), rig.exactProducts());
                rig.ops().linear(RowSet.TOKENS, p.weight(), in, Epilogue.NONE, out);
                outputs.add(kernel, what, bound, rig.read(out, rows));
                rig.ops().linear(RowSet.LOGIT_ROWS, p.weight(), in, new Epilogue.Bias(p.bias()), out);
                outputs.add(kernel, what + ", with bias", bound, rig.read(out, rows));
            }
        }
    }

    /**
     * Four deviations of the sum, times what rounding adds to it: of the sums themselves, on both devices; of activations split into two numbers of
     * the weight's type; of activations in the weight's type, where cuBLAS multiplies; of activations in 8 bits, a scale to 32, for quantised weights.
     */
    private double bound(int rows, int in, boolean exact) {
        boolean many = !exact && rows > EXACT_ROWS;
        double activations = switch (type) {
            case F32 -> 0;
            case F16 -> many ? 0x1p-11 : 0x1p-20;
            case BF16 -> many ? 0x1p-8 : 0x1p-16;
            default -> 3.0 / 127;
        };
        return 4 * Math.sqrt(in) * (2 * (in + 4) * HALF_UNIT + activations);
    }
}
