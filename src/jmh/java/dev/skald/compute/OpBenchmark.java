package dev.skald.compute;

import dev.skald.compute.cpu.CpuDevice;
import dev.skald.compute.cpu.CpuOptions;
import dev.skald.compute.reference.ReferenceDevice;
import dev.skald.sampling.SamplingParams;
import dev.skald.sampling.SlotSetup;
import dev.skald.tensor.Block;
import dev.skald.tensor.Buffer;
import dev.skald.tensor.DType;
import dev.skald.tensor.Elements;
import dev.skald.tensor.Shape;
import dev.skald.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * A device with one batch uploaded, in the shape of a 1.1-billion-parameter Llama. A batch is {@code decode-S}: S sequences of one token each,
 * or {@code prefill-T}: the last T tokens of one sequence; either way {@link #context} tokens are in each sequence's cache at the end.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 1, jvmArgsAppend = {"--add-modules=jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED"})
public abstract class OpBenchmark {
    static final int HIDDEN = 2048;
    static final int INTERMEDIATE = 5632;
    static final AttentionShape SHAPE = new AttentionShape(32, 4, 64, 0.125f);
    static final float EPS = 1e-5f;
    static final int LAYERS = 2;
    private static final int BLOCK_TOKENS = 16;
    private static final long SEED = 42;

    /** A buffer and the table whose rows it is to hold. */
    private record Filling(Buffer buffer, Weight rows) {}

    /** auto: the best native kernels; java; an instruction set; or reference. */
    @Param("auto")
    public String device;

    private final SplittableRandom random = new SplittableRandom(SEED);
    private final List<Filling> fillings = new ArrayList<>();
    private Device opened;
    private Batch batch;
    private int sequences;
    private int tokensEach;

    Ops ops;
    StepOutput output;

    /** As the class comment says. */
    abstract String batchName();

    /** Packs weights and makes buffers; called before the device is started. */
    abstract void allocate();

    int context() {
        return 512;
    }

    AttentionShape shape() {
        return SHAPE;
    }

    int vocabulary() {
        return 32_000;
    }

    SamplingParams sampling() {
        return SamplingParams.GREEDY;
    }

    /** Most likely tokens asked for with each row; −1: no log-probabilities. */
    int top() {
        return -1;
    }

    /** Called for each chunk of the sequences before the last, with filled buffers: puts into cache and output what the operation reads. */
    void warmCache() {}

    @Setup(Level.Trial)
    public void open() {
        String[] name = batchName().split("-");
        boolean decode = name[0].equals("decode");
        sequences = decode ? Integer.parseInt(name[1]) : 1;
        tokensEach = decode ? 1 : Integer.parseInt(name[1]);
        opened = switch (device) {
            case "reference" -> new ReferenceDevice();
            case "java" -> cpu(CpuOptions.Choice.JAVA, Optional.empty());
            case "auto" -> cpu(CpuOptions.Choice.NATIVE, Optional.empty());
            default -> cpu(CpuOptions.Choice.NATIVE, Optional.of(device));
        };
        ops = opened.ops();
        int blocks = Math.ceilDiv(context(), BLOCK_TOKENS);
        // One block to spare for each sequence: the target of copies.
        KvCache cache = opened.kvCache(List.of(new KvGroup(LAYERS, shape().kvHeads(), shape().headDim(), BLOCK_TOKENS, DType.F16)), sequences * (blocks + 1));
        BatchLimits limits = new BatchLimits(tokens(), sequences, sequences, blocks, Math.max(top(), 0));
        output = opened.output(limits);
        batch = opened.batch(limits);
        allocate();
        opened.start(limits, cache, vocabulary());
        for (int slot = 0; slot < sequences; slot++) {
            opened.setSlot(slot, new SlotSetup(sampling(), SEED, slot, 0, List.of(), new int[] {1}, new int[0]));
        }
        for (int end = tokensEach; end < context(); end += tokensEach) {
            upload(end);
            refill();
            warmCache();
        }
        upload(context());
        refill();
    }

    private static Device cpu(CpuOptions.Choice kernels, Optional<String> isa) {
        Path library = Path.of(System.getProperty("skald.home", "target/skald"), "native");
        return CpuDevice.open(new CpuOptions(OptionalInt.empty(), kernels, isa, Optional.of(library)));
    }

    @TearDown(Level.Trial)
    public void close() {
        opened.close();
    }

    /** Tokens of the batch: rows that an activation buffer needs. */
    int tokens() {
        return sequences * tokensEach;
    }

    int sequences() {
        return sequences;
    }

    /** A buffer of a row per token, of normally distributed values times {@code scale}. */
    Buffer filled(int cols, double scale) {
        Buffer buffer = empty(cols);
        fillings.add(new Filling(buffer, weight(WeightRole.EMBEDDING, DType.F32, tokens(), cols, scale)));
        return buffer;
    }

    Buffer empty(int cols) {
        return opened.buffer(DType.F32, tokens(), cols);
    }

    Weight weight(WeightRole role, DType dtype, int rows, int cols, double scale) {
        return opened.pack(role, List.of(tensor(dtype, role == WeightRole.VECTOR ? Shape.of(cols) : Shape.of(rows, cols), scale)));
    }

    Weight pack(WeightRole role, Tensor tensor) {
        return opened.pack(role, List.of(tensor));
    }

    /** Normally distributed; quantised: random integers of about that size. */
    Tensor tensor(DType dtype, Shape shape, double scale) {
        MemorySegment data = Arena.ofAuto().allocate(dtype.bytes(shape.elements()), 64);
        if (dtype.quantised()) {
            for (long at = 0; at + 4 <= data.byteSize(); at += 4) data.set(ValueLayout.JAVA_INT_UNALIGNED, at, random.nextInt());
            Block block = new Block(dtype);
            for (long b = 0; b < shape.elements() / dtype.blockElements(); b++) {
                block.read(data, b).setScale((float) scale / 8, (float) scale);
                block.write(data, b);
            }
        } else {
            for (long i = 0; i < shape.elements(); i++) Elements.set(dtype, data, i, (float) (random.nextGaussian() * scale));
        }
        return new Tensor("random", dtype, shape, data);
    }

    /** Buffers are the device's own: rows get into them by looking them up. */
    void refill() {
        for (Filling filling : fillings) ops.embed(filling.rows(), filling.buffer());
    }

    private void upload(int end) {
        int blocks = Math.ceilDiv(context(), BLOCK_TOKENS);
        batch.clear();
        for (int s = 0; s < sequences; s++) {
            for (int i = 0; i < blocks; i++) batch.tableChange(s, i, s * (blocks + 1) + i);
            batch.copyBlock(s * (blocks + 1), s * (blocks + 1) + blocks);
            batch.beginSequence(s, end);
            int last = 0;
            for (int t = 0; t < tokensEach; t++) last = batch.token(s * tokensEach + t, end - tokensEach + t);
            batch.row(last, s, -1, top());
        }
        opened.upload(batch);
    }
}
