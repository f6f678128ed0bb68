package dev.skald.gpucheck;

import dev.skald.compute.Activation;
import dev.skald.compute.BatchLimits;
import dev.skald.compute.KvGroup;
import dev.skald.compute.Weight;
import dev.skald.compute.WeightRole;
import dev.skald.tensor.Buffer;
import dev.skald.tensor.DType;
import java.util.ArrayList;
import java.util.List;

/** Operations on single rows: norms, activation, embedding and gathering, on widths that no vector length divides and on those of models. */
final class RowsGroup implements KernelGroup {
    private static final int TOKENS = 7;
    private static final int VOCABULARY = 61;
    private static final int[] WIDTHS = {1, 13, 64, 207, 1031, 4096};
    private static final float EPS = 1e-5f;

    @Override
    public String name() {
        return "rows";
    }

    @Override
    public OpsRig.Room room() {
        return new OpsRig.Room(new BatchLimits(TOKENS, 2, TOKENS, 2, 0), new KvGroup(1, 1, 2, 16, DType.F16), 4, VOCABULARY);
    }

    private record Packed(int width, Weight norm, List<Weight> tables) {}

    @Override
    public void run(OpsRig rig, Outputs outputs) {
        List<Packed> all = new ArrayList<>();
        for (int n : WIDTHS) {
            List<Weight> tables = new ArrayList<>();
            for (DType type : List.of(DType.F32, DType.F16, DType.BF16)) tables.add(rig.pack(WeightRole.EMBEDDING, type, OpsRig.random(n + 5, VOCABULARY, n)));
            all.add(new Packed(n, rig.vector(OpsRig.random(n + 2, 1, n)[0]), tables));
        }
        for (Packed packed : all) {
            norms(rig, outputs, packed);
            activation(rig, outputs, packed.width());
            lookups(rig, outputs, packed);
        }
    }

    private static void norms(OpsRig rig, Outputs outputs, Packed packed) {
        int n = packed.width();
        String what = TOKENS + " rows of " + n;
        double bound = 2 * (n + 8) * 4 * HALF_UNIT;
        Buffer x = rig.buffer(OpsRig.random(n, TOKENS, n));
        Buffer out = rig.buffer(TOKENS, n);
        rig.uploadTokens(TOKENS);
        rig.ops().norm(x, packed.norm(), EPS, out);
        outputs.add("rms_norm", what, bound, rig.read(out, TOKENS));
        rig.ops().addNorm(x, rig.buffer(OpsRig.random(n + 1, TOKENS, n)), packed.norm(), EPS, out);
        outputs.add("rms_norm", what + ", the sum", 0, rig.read(x, TOKENS));
        outputs.add("rms_norm", what + ", of a sum", bound, rig.read(out, TOKENS));
    }

    private static void activation(OpsRig rig, Outputs outputs, int n) {
        float[][] gateUp = OpsRig.random(n + 3, TOKENS, 2 * n);
        for (int i = 0; i < n; i++) gateUp[4][i] *= 40; // far into both tails
        gateUp[3][0] = -200;
        Buffer out = rig.buffer(TOKENS, n);
        rig.uploadTokens(TOKENS);
        rig.ops().activate(Activation.SILU, rig.buffer(gateUp), out);
        outputs.add("silu", TOKENS + " rows of " + n, 2 * 16 * 200 * HALF_UNIT, rig.read(out, TOKENS));
    }

    private static void lookups(OpsRig rig, Outputs outputs, Packed packed) {
        for (Weight table : packed.tables()) {
            Buffer x = rig.buffer(TOKENS, packed.width());
            Buffer rows = rig.buffer(3, packed.width());
            rig.upload(b -> {
                b.beginSequence(0, 3);
                for (int t = 0; t < 3; t++) b.token((17 * t + 60) % VOCABULARY, t);
                b.beginSequence(1, TOKENS - 3);
                for (int t = 0; t < TOKENS - 3; t++) b.token(t, t);
                for (int token : new int[] {6, 2, 2}) b.row(token, token > 2 ? 1 : 0, -1, -1);
            });
            rig.ops().embed(table, x);
            rig.ops().gatherRows(x, rows);
            String what = "rows of " + packed.width() + ", table in " + table.dtype();
            outputs.add("embed", what, 0, rig.read(x, TOKENS));
            outputs.add("gather_rows", what, 0, rig.read(rows, 3));
        }
    }
}
