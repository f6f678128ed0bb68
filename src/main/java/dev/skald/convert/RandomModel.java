package dev.skald.convert;

import dev.skald.model.DecoderSpec;
import dev.skald.model.ModelShape;
import dev.skald.model.WeightPlan;
import dev.skald.model.family.Families;
import dev.skald.quantize.Quantiser;
import dev.skald.tensor.DType;
import dev.skald.tensor.Shape;
import dev.skald.tensor.Tensor;
import dev.skald.text.Vocabulary;
import dev.skald.weights.RandomCheckpoint;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/** Models of a published shape with random weights, normally distributed with a deviation of 0.02 as before any training. */
public final class RandomModel {
    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final float DEVIATION = 0.02f;
    /** A prime number of blocks: rows of a matrix begin at different ones until it has as many rows. */
    private static final int POOL_BLOCKS = 131_071;
    private static final int LEAST_BLOCK = 32;
    private static final int SPECIAL = 3;
    private static final int BYTES = 256;

    private RandomModel() {}

    /** @param type of the weights, quantised or not @param threads that quantise them */
    public static RandomCheckpoint weights(ModelShape shape, DType type, long seed, int threads) {
        DecoderSpec spec = Families.spec(shape.config());
        List<RandomCheckpoint.Declared> tensors = WeightPlan.of(spec, type).entries().stream()
                .map(e -> new RandomCheckpoint.Declared(e.name(), e.dtype(), e.shape()))
                .toList();
        return new RandomCheckpoint(tensors, dtype -> pool(dtype, seed, threads));
    }

    /** Three special tokens, all bytes, and words that no text becomes. */
    public static Vocabulary vocabulary(ModelShape shape) {
        int size = Families.spec(shape.config()).vocabulary();
        List<String> pieces = new ArrayList<>(List.of("<unk>", "<s>", "</s>"));
        List<Vocabulary.Kind> kinds = new ArrayList<>(List.of(Vocabulary.Kind.UNKNOWN, Vocabulary.Kind.CONTROL, Vocabulary.Kind.CONTROL));
        for (int b = 0; b < BYTES; b++) {
            pieces.add(String.format("<0x%02X>", b));
            kinds.add(Vocabulary.Kind.BYTE);
        }
        for (int id = SPECIAL + BYTES; id < size; id++) {
            pieces.add("▁t" + id);
            kinds.add(Vocabulary.Kind.NORMAL);
        }
        List<Float> scores = IntStream.range(0, size).mapToObj(id -> (float) -id).toList();
        Vocabulary.Model model = new Vocabulary.SentencePiece(false, scores, Vocabulary.Normalising.spaces(true));
        return new Vocabulary(shape.label(), pieces, kinds, model, OptionalInt.of(1), OptionalInt.empty());
    }

    private static MemorySegment pool(DType type, long seed, int threads) {
        int elements = POOL_BLOCKS * Math.max(type.blockElements(), LEAST_BLOCK);
        byte[] numbers = new byte[4 * elements];
        fill(seed, MemorySegment.ofArray(numbers), elements);
        Tensor source = new Tensor("pool", DType.F32, Shape.of(elements), MemorySegment.ofArray(numbers));
        MemorySegment pool = Arena.ofAuto().allocate(type.bytes(elements), 64);
        try (Quantiser quantiser = new Quantiser(threads)) {
            quantiser.convert(source, type, pool);
        }
        return pool;
    }

    /** Draws from 65,536 normally distributed numbers: many times faster than drawing such numbers. */
    private static void fill(long seed, MemorySegment to, int elements) {
        Random normal = new Random(seed);
        float[] some = new float[1 << 16];
        for (int i = 0; i < some.length; i++) some[i] = DEVIATION * (float) normal.nextGaussian();
        SplittableRandom random = new SplittableRandom(seed);
        for (int i = 0; i < elements; i += 4) {
            long bits = random.nextLong();
            for (int j = 0; j < 4; j++) to.setAtIndex(FLOAT, i + j, some[(int) (bits >>> 16 * j) & 0xffff]);
        }
    }
}
