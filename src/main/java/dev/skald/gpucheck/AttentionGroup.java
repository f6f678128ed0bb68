package dev.skald.gpucheck;

import dev.skald.compute.AttentionShape;
import dev.skald.compute.Batch;
import dev.skald.compute.BatchLimits;
import dev.skald.compute.KvGroup;
import dev.skald.compute.Weight;
import dev.skald.compute.WeightRole;
import dev.skald.tensor.Buffer;
import dev.skald.tensor.DType;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Stream;

/**
 * Rotation, storing and attention over a paged cache: prompts in ragged chunks, then decoding beside a prefill, in contexts of less and more than one
 * split of 256 positions, and after a copy of blocks.
 */
final class AttentionGroup implements KernelGroup {
    private static final int BLOCK_TOKENS = 16;
    private static final int LAYERS = 2;
    private static final int MOST_TOKENS = 96;
    private static final int LENGTH = 352;
    private static final int BLOCKS_OF_A_SLOT = LENGTH / BLOCK_TOKENS;
    private static final int SLOTS = 3;

    private final AttentionShape shape;
    private final DType cacheType;

    private AttentionGroup(AttentionShape shape, DType cacheType) {
        this.shape = shape;
        this.cacheType = cacheType;
    }

    /** The head layouts of models, and one that no vector length divides. */
    static Stream<AttentionGroup> all(DType cacheType) {
        return Stream.of(new AttentionShape(4, 2, 6, 0.4f), new AttentionShape(9, 3, 64, 0.125f), new AttentionShape(8, 1, 128, 0.09f), new AttentionShape(2, 2, 80, 0.11f))
                .map(shape -> new AttentionGroup(shape, cacheType));
    }

    @Override
    public String name() {
        return String.format(
                Locale.ROOT, "attention, %d heads, %d of keys, dimension %d, cache in %s", shape.heads(), shape.kvHeads(), shape.headDim(), cacheType);
    }

    @Override
    public OpsRig.Room room() {
        return new OpsRig.Room(
                new BatchLimits(MOST_TOKENS, SLOTS, SLOTS, BLOCKS_OF_A_SLOT, 0), new KvGroup(LAYERS, shape.kvHeads(), shape.headDim(), BLOCK_TOKENS, cacheType),
                SLOTS * BLOCKS_OF_A_SLOT + 1, 32);
    }

    /** Of a slot's table: each slot has its own, and none in order. */
    private static int block(int slot, int index) {
        return slot + SLOTS * ((index * 7 + 3) % BLOCKS_OF_A_SLOT);
    }

    private static void chunk(Batch b, int slot, int from, int to) {
        for (int i = 0; i < Math.ceilDiv(to, BLOCK_TOKENS); i++) b.tableChange(slot, i, block(slot, i));
        b.beginSequence(slot, to);
        for (int p = from; p < to; p++) b.token(0, p);
    }

    /** A chunk of each slot: from and to, or nothing. */
    private static final int[][][] STEPS = {
        {{0, 61}, {0, 1}, {0, 17}}, {{61, 62}, {1, 80}, {17, 30}}, {{62, 140}, {80, 81}, {}}, {{140, 235}, {81, 82}, {}}, {{235, 320}, {82, 90}, {30, 31}},
        {{320, 321}, {90, 91}, {31, 32}}, {{321, 322}, {91, 92}, {32, 33}}
    };

    @Override
    public void run(OpsRig rig, Outputs outputs) {
        Weight table = rig.pack(WeightRole.ROPE_TABLE, DType.F32, angles());
        String kernel = " " + cacheType.name().toLowerCase(Locale.ROOT);
        long seed = shape.headDim();
        for (int[][] step : STEPS) {
            int tokens = Arrays.stream(step).mapToInt(c -> c.length == 0 ? 0 : c[1] - c[0]).sum();
            rig.upload(b -> {
                for (int slot = 0; slot < SLOTS; slot++) if (step[slot].length > 0) chunk(b, slot, step[slot][0], step[slot][1]);
            });
            for (int layer = 0; layer < LAYERS; layer++) {
                Buffer qkv = rig.buffer(OpsRig.random(seed++, tokens, shape.qkvCols()));
                Buffer out = rig.buffer(tokens, shape.heads() * shape.headDim());
                rig.ops().ropeStore(shape, qkv, table, layer);
                rig.ops().attention(shape, qkv, layer, out);
                String what = name() + ", step " + Arrays.deepToString(step) + ", layer " + layer;
                outputs.add("rope_store", what, 2 * 16 * HALF_UNIT * 4, queries(rig.read(qkv, tokens)));
                outputs.add("attention" + kernel, what, 2 * 4 * (64 + Math.sqrt(LENGTH) + storedUnit()) * HALF_UNIT, rig.read(out, tokens));
            }
        }
        copied(rig, outputs, kernel, seed, table);
    }

    /** A key that a rounding puts on the other side of a stored unit may move a score by so much, in half-units of f32. */
    private double storedUnit() {
        return switch (cacheType) {
            case F16 -> 0x1p10;
            case BF16 -> 0x1p13;
            default -> 0;
        };
    }

    /** Slot 1's last and partial block is copied to the spare one, which takes its place: attention must not see the difference, and neither must the old one. */
    private void copied(OpsRig rig, Outputs outputs, String kernel, long seed, Weight table) {
        int last = 91 / BLOCK_TOKENS;
        int spare = SLOTS * BLOCKS_OF_A_SLOT;
        rig.upload(b -> {
            b.copyBlock(block(1, last), spare);
            b.tableChange(1, last, spare);
            b.beginSequence(1, 93);
            b.token(0, 92);
        });
        rig.ops().copyBlocks();
        Buffer qkv = rig.buffer(OpsRig.random(seed, 1, shape.qkvCols()));
        Buffer out = rig.buffer(1, shape.heads() * shape.headDim());
        rig.ops().ropeStore(shape, qkv, table, 1);
        rig.ops().attention(shape, qkv, 1, out);
        outputs.add("copy_blocks", name() + kernel, 2 * 4 * (64 + Math.sqrt(LENGTH) + storedUnit()) * HALF_UNIT, rig.read(out, 1));
    }

    /** Of rows of queries, keys and values only the queries: the rest is as it was. */
    private float[] queries(float[] rows) {
        int cols = shape.qkvCols();
        int wanted = shape.heads() * shape.headDim();
        float[] queries = new float[rows.length / cols * wanted];
        for (int r = 0; r < rows.length / cols; r++) System.arraycopy(rows, r * cols, queries, r * wanted, wanted);
        return queries;
    }

    /** [positions, headDim]: cosines and sines. */
    private float[][] angles() {
        int half = shape.headDim() / 2;
        float[][] table = new float[LENGTH][2 * half];
        for (int p = 0; p < LENGTH; p++) {
            for (int i = 0; i < half; i++) {
                double angle = p * Math.pow(10_000, -(double) i / half);
                table[p][i] = (float) Math.cos(angle);
                table[p][half + i] = (float) Math.sin(angle);
            }
        }
        return table;
    }
}
