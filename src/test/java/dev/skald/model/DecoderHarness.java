package dev.skald.model;

import dev.skald.compute.Batch;
import dev.skald.compute.BatchLimits;
import dev.skald.compute.KvCache;
import dev.skald.compute.StepOutput;
import dev.skald.compute.TestDevice;
import dev.skald.model.family.Families;
import dev.skald.sampling.SamplingParams;
import dev.skald.sampling.SlotSetup;
import dev.skald.tensor.DType;
import dev.skald.weights.Checkpoint;
import dev.skald.weights.GgufCheckpoint;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Deque;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/**
 * Drives a decoder without scheduler or engine: sequences in slots, any mix of chunks in a step. Blocks are handed out in shuffled order, so
 * that a table is never the identity, and come back with what was in them.
 */
public final class DecoderHarness implements AutoCloseable {
    private static final long SHUFFLE_SEED = 7;

    private final TestDevice test;
    private final Checkpoint checkpoint;
    private final Decoder decoder;
    private final KvCache cache;
    private final Batch batch;
    private final StepOutput output;
    private final Consumer<StepOutput> enqueue;
    private final Deque<Integer> freeSlots = new ArrayDeque<>();
    private final Deque<Integer> freeBlocks = new ArrayDeque<>();
    private final List<List<Integer>> tables = new ArrayList<>();
    private final int[] lengths;

    /** Which tokens of a chunk get a row of logits. */
    public enum Rows {
        NONE,
        LAST,
        ALL
    }

    /** @param ids −1: the slot's last token */
    public record Chunk(int slot, int[] ids, Rows rows) {}

    /** @param logits raw, [vocabulary] @param token the one drawn */
    public record Row(int slot, float[] logits, int token) {}

    /** @param model a folder or GGUF file @param dtype of the weights; empty: as in the file @param kvBlocks blocks of the pool */
    public DecoderHarness(TestDevice test, Path model, Optional<DType> dtype, DType kvDtype, BatchLimits limits, int kvBlocks) {
        this.test = test;
        checkpoint = Checkpoint.open(model);
        DecoderSpec spec = Families.spec(checkpoint instanceof GgufCheckpoint gguf ? GgufConfig.of(gguf, List.of()) : ModelConfig.read(model));
        int maxLength = limits.maxBlocks() * Decoder.BLOCK_TOKENS;
        decoder = Decoder.load(spec, checkpoint, test.device(), limits, new LoadOptions(dtype, maxLength));
        cache = test.device().kvCache(Decoder.kvGroups(spec, kvDtype), kvBlocks);
        batch = test.device().batch(limits);
        output = test.device().output(limits);
        test.device().start(limits, cache, spec.vocabulary());
        enqueue = decoder::step;
        lengths = new int[limits.maxSequences()];
        List<Integer> blocks = new ArrayList<>(IntStream.range(0, kvBlocks).boxed().toList());
        Collections.shuffle(blocks, new Random(SHUFFLE_SEED));
        freeBlocks.addAll(blocks);
        for (int slot = 0; slot < limits.maxSequences(); slot++) {
            freeSlots.add(slot);
            tables.add(new ArrayList<>());
        }
    }

    /** Up to {@code tokens} tokens and rows in a step, 64 sequences, contexts of 512 tokens, and room for 8 such. */
    public static DecoderHarness of(TestDevice test, Path model, DType kvDtype, int tokens) {
        return of(test, model, Optional.empty(), kvDtype, tokens);
    }

    /** The same with the weights converted. */
    public static DecoderHarness of(TestDevice test, Path model, Optional<DType> dtype, DType kvDtype, int tokens) {
        BatchLimits limits = new BatchLimits(tokens, 64, Math.max(64, tokens), 32, 20);
        return new DecoderHarness(test, model, dtype, kvDtype, limits, 256);
    }

    /** Lets the device record steps, as the engine does. */
    public DecoderHarness recorded() {
        test.device().prepare(enqueue, output);
        return this;
    }

    public Decoder decoder() {
        return decoder;
    }

    /** Greedy sequence in a free slot. @return its slot */
    public int begin() {
        return begin(new SlotSetup(SamplingParams.GREEDY, 0, 0, 0, List.of(), new int[0], new int[0]));
    }

    public int begin(SlotSetup setup) {
        int slot = freeSlots.remove();
        test.device().setSlot(slot, setup);
        return slot;
    }

    /** Its blocks go back to the pool as they are. */
    public void end(int slot) {
        freeBlocks.addAll(tables.get(slot));
        tables.get(slot).clear();
        lengths[slot] = 0;
        freeSlots.add(slot);
    }

    /** One step. @return its rows of logits, in order */
    public List<Row> step(List<Chunk> chunks) {
        batch.clear();
        List<Integer> slots = new ArrayList<>();
        for (Chunk chunk : chunks) {
            int slot = chunk.slot();
            extend(slot, lengths[slot] + chunk.ids().length);
            batch.beginSequence(slot, lengths[slot] + chunk.ids().length);
            for (int i = 0; i < chunk.ids().length; i++) {
                int token = batch.token(chunk.ids()[i], lengths[slot] + i);
                if (chunk.rows() == Rows.ALL || chunk.rows() == Rows.LAST && i == chunk.ids().length - 1) {
                    batch.row(token, slot, -1, -1);
                    slots.add(slot);
                }
            }
            lengths[slot] += chunk.ids().length;
        }
        test.device().upload(batch);
        test.device().step(enqueue, output);
        test.device().await(output);
        return IntStream.range(0, slots.size())
                .mapToObj(r -> new Row(slots.get(r), test.read(decoder.logits(), r), output.token(r)))
                .toList();
    }

    private void extend(int slot, int length) {
        List<Integer> table = tables.get(slot);
        while (table.size() * Decoder.BLOCK_TOKENS < length) {
            int block = freeBlocks.remove();
            batch.tableChange(slot, table.size(), block);
            table.add(block);
        }
    }

    /** Feeds all ids in chunks. @return logits after each token, [ids][vocabulary] */
    public float[][] feed(int slot, int[] ids, int chunk) {
        List<float[]> logits = new ArrayList<>();
        for (int at = 0; at < ids.length; at += chunk) {
            int[] part = Arrays.copyOfRange(ids, at, Math.min(at + chunk, ids.length));
            step(List.of(new Chunk(slot, part, Rows.ALL))).forEach(row -> logits.add(row.logits()));
        }
        return logits.toArray(float[][]::new);
    }

    /** Greedy continuation of a prompt, alone. */
    public List<Integer> greedy(int[] prompt, int tokens, int chunk) {
        int slot = begin();
        int last = prompt.length - 1;
        if (last > 0) feed(slot, Arrays.copyOf(prompt, last), chunk);
        List<Integer> generated = new ArrayList<>();
        int next = prompt[last];
        for (int i = 0; i < tokens; i++, next = -1) {
            generated.add(step(List.of(new Chunk(slot, new int[] {next}, Rows.LAST))).getFirst().token());
        }
        end(slot);
        return generated;
    }

    /** Hash of all stored keys and values of a slot, by position; not of where they lie. */
    public String kvHash(int slot) {
        MessageDigest hash = sha256();
        for (int layer = 0; layer < decoder.spec().layers(); layer++) {
            for (int p = 0; p < lengths[slot]; p++) {
                int block = tables.get(slot).get(p / Decoder.BLOCK_TOKENS);
                update(hash, test.keys(cache, layer, block, p % Decoder.BLOCK_TOKENS));
                update(hash, test.values(cache, layer, block, p % Decoder.BLOCK_TOKENS));
            }
        }
        return HexFormat.of().formatHex(hash.digest());
    }

    /** Hash of the exact bits of rows of numbers. */
    public static String hash(float[]... rows) {
        MessageDigest hash = sha256();
        for (float[] row : rows) update(hash, row);
        return HexFormat.of().formatHex(hash.digest());
    }

    private static void update(MessageDigest hash, float[] values) {
        ByteBuffer bytes = ByteBuffer.allocate(4 * values.length);
        for (float v : values) bytes.putInt(Float.floatToRawIntBits(v));
        hash.update(bytes.array());
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void close() {
        test.close();
        checkpoint.close();
    }
}
