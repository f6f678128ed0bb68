package dev.skald.gpucheck;

import dev.skald.compute.BatchLimits;
import dev.skald.compute.KvGroup;
import dev.skald.sampling.SamplingParams;
import dev.skald.sampling.SlotSetup;
import dev.skald.tensor.Buffer;
import dev.skald.tensor.DType;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** Adjusting, drawing and reporting by the sampler's definition: with every filter, ties everywhere, and rows that can't be drawn from. All bits must agree. */
final class SamplingGroup implements KernelGroup {
    private static final int SLOTS = 24;
    private static final int STEPS = 4;
    private static final int TOP = 5;

    private final int vocabulary;

    private SamplingGroup(int vocabulary) {
        this.vocabulary = vocabulary;
    }

    static Stream<SamplingGroup> all() {
        return IntStream.of(1, 7, 255, 256, 1000, 4099).mapToObj(SamplingGroup::new);
    }

    @Override
    public String name() {
        return "sampling, vocabulary of " + vocabulary;
    }

    @Override
    public OpsRig.Room room() {
        return new OpsRig.Room(new BatchLimits(SLOTS, SLOTS, SLOTS, 8, TOP), new KvGroup(1, 1, 2, 16, DType.F32), 4, vocabulary);
    }

    @Override
    public void run(OpsRig rig, Outputs outputs) {
        Random random = new Random(500 + vocabulary);
        Buffer logits = rig.buffer(SLOTS, vocabulary);
        Buffer adjusted = rig.buffer(SLOTS, vocabulary);
        for (int slot = 0; slot < SLOTS; slot++) rig.setSlot(slot, setup(random));
        for (int step = 0; step < STEPS; step++) {
            int position = 100 + step;
            int[] targets = new int[SLOTS];
            for (int r = 0; r < SLOTS; r++) {
                targets[r] = random.nextInt(8) == 0 ? random.nextInt(vocabulary) : -1;
                rig.write(logits, r, logits(random));
            }
            rig.upload(b -> {
                for (int slot = 0; slot < SLOTS; slot++) {
                    b.beginSequence(slot, position + 1);
                    b.row(b.token(0, position), slot, targets[slot], slot % (TOP + 2) - 1);
                }
            });
            rig.ops().adjustLogits(logits, adjusted);
            rig.ops().sample(adjusted, rig.output());
            rig.ops().topLogprobs(logits, rig.output());
            rig.device().await(rig.output());
            String what = name() + ", step " + step;
            outputs.add("adjust_logits", what, 0, sampled(rig.read(adjusted, SLOTS), targets));
            outputs.add("sample", what, 0, tokens(rig));
            outputs.add("top_logprobs", what, 0, reported(rig));
        }
    }

    /** Rows with a target aren't adjusted, and what they hold means nothing. */
    private float[] sampled(float[] rows, int[] targets) {
        for (int r = 0; r < SLOTS; r++) if (targets[r] >= 0) java.util.Arrays.fill(rows, r * vocabulary, (r + 1) * vocabulary, 0);
        return rows;
    }

    /** Ids below 2²⁴ are exact as f32. */
    private static float[] tokens(OpsRig rig) {
        float[] tokens = new float[SLOTS];
        for (int r = 0; r < SLOTS; r++) tokens[r] = rig.output().token(r);
        return tokens;
    }

    private float[] reported(OpsRig rig) {
        List<Float> all = new ArrayList<>();
        for (int r = 0; r < SLOTS; r++) {
            int top = r % (TOP + 2) - 1;
            if (top < 0 || rig.output().invalid(r)) continue;
            all.add(rig.output().logprob(r));
            all.add((float) rig.output().rank(r));
            for (int k = 0; k < Math.min(top, vocabulary); k++) all.addAll(List.of((float) rig.output().topToken(r, k), rig.output().topLogprob(r, k)));
        }
        float[] values = new float[all.size()];
        for (int i = 0; i < values.length; i++) values[i] = all.get(i);
        return values;
    }

    private SlotSetup setup(Random random) {
        Map<Integer, Float> bias = new HashMap<>();
        List<Integer> allowed = new ArrayList<>();
        List<List<Integer>> banned = new ArrayList<>();
        if (random.nextInt(3) == 0) for (int i = 0; i < 4; i++) bias.put(random.nextInt(vocabulary), random.nextFloat() * 20 - 10);
        if (random.nextInt(4) == 0) for (int i = 0; i < vocabulary / 2 + 1; i++) allowed.add(random.nextInt(vocabulary));
        for (int i = random.nextInt(2) * 4; i > 0; i--) banned.add(random.ints(1 + random.nextInt(2), 0, vocabulary).boxed().toList());
        boolean penalties = random.nextBoolean();
        SamplingParams params = new SamplingParams(
                random.nextInt(5) == 0 ? 0 : 0.1f + 2 * random.nextFloat(),
                random.nextInt(3) == 0 ? 1 + random.nextInt(vocabulary) : 0,
                random.nextBoolean() ? 0.05f + 0.9f * random.nextFloat() : 1,
                random.nextInt(3) == 0 ? random.nextFloat() * 0.3f : 0,
                penalties ? 0.5f + random.nextFloat() : 1,
                penalties ? random.nextFloat() - 0.5f : 0,
                penalties ? random.nextFloat() - 0.5f : 0,
                bias, allowed, banned);
        int[] prompt = random.ints(random.nextInt(20), 0, vocabulary).toArray();
        int[] generated = random.ints(random.nextInt(2) * random.nextInt(70), 0, vocabulary).toArray();
        List<Integer> ends = random.ints(random.nextInt(3), 0, vocabulary).boxed().toList();
        return new SlotSetup(params, random.nextLong(), random.nextInt(4), random.nextInt(4) + generated.length, ends, prompt, generated);
    }

    /** Of few different values, so that ties are everywhere; some −∞; seldom a NaN or +∞. */
    private float[] logits(Random random) {
        float[] row = new float[vocabulary];
        int coarse = random.nextInt(3);
        for (int i = 0; i < vocabulary; i++) {
            float v = (float) random.nextGaussian() * 4;
            row[i] = random.nextInt(15) == 0 ? Float.NEGATIVE_INFINITY : coarse == 0 ? Math.round(v) : coarse == 1 ? -Math.abs(v) * 30 : v;
            if (row[i] == 0 && random.nextBoolean()) row[i] = -0f;
        }
        if (random.nextInt(20) == 0) row[random.nextInt(vocabulary)] = random.nextBoolean() ? Float.NaN : Float.POSITIVE_INFINITY;
        return row;
    }
}
