package dev.skald.boot;

import dev.skald.compute.Device;
import dev.skald.engine.DeviceExecutor;
import dev.skald.engine.Engine;
import dev.skald.engine.EngineConfig;
import dev.skald.model.Decoder;
import dev.skald.model.DecoderSpec;
import dev.skald.model.Fingerprint;
import dev.skald.model.LoadOptions;
import dev.skald.model.ModelConfig;
import dev.skald.model.ModelException;
import dev.skald.model.ModelShape;
import dev.skald.quantize.Progress;
import dev.skald.quantize.QuantisationException;
import dev.skald.schedule.Policy;
import dev.skald.schedule.StepBudget;
import dev.skald.service.ChatFormat;
import dev.skald.service.Inference;
import dev.skald.service.LocalInference;
import dev.skald.service.ModelInfo;
import dev.skald.service.Operations;
import dev.skald.service.TextWorkers;
import dev.skald.tensor.DType;
import dev.skald.text.ChatTemplateException;
import dev.skald.text.Tokenizer;
import dev.skald.text.TokenizerException;
import dev.skald.weights.Checkpoint;
import dev.skald.weights.CheckpointException;
import dev.skald.weights.PackedCheckpoint;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * A model that runs in this process: started whole or not at all, with one really generated token as the proof. Started and closed by one
 * thread; what it hands out is thread-safe.
 */
public final class LocalEngine implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(LocalEngine.class.getName());
    private static final int PROMPT_WORKERS = 2;
    private static final int TEXT_WORKERS = 2;

    private final Deque<AutoCloseable> owned = new ArrayDeque<>();
    private Engine engine;
    private LocalInference inference;
    private Operations operations;
    private StartReport report;
    private DecoderSpec spec;
    private long decodeBytes;

    private LocalEngine() {}

    /** @throws StartException in one sentence: a broken model, no room, a device that can't be had */
    public static LocalEngine start(EngineOptions options) {
        return start(options, Progress.NONE);
    }

    /** @param progress hears how much is quantised, where weights are @throws StartException as above */
    public static LocalEngine start(EngineOptions options, Progress progress) {
        return start(options, () -> ModelSource.open(options.model()), checkpoint -> open(options, checkpoint), progress);
    }

    /**
     * Starts a model of random weights, made in memory.
     *
     * @param options whose model is a name only, and whose weight type, F16 where none is given, is made as it is
     */
    public static LocalEngine start(EngineOptions options, ModelShape shape, long seed) {
        DType type = options.compute().dtype().orElse(DType.F16);
        return start(options, () -> new ShapeSource(shape, type, seed), checkpoint -> Devices.open(options.compute(), types(options, checkpoint)), Progress.NONE);
    }

    /** The model in its file on a device that the caller makes. It is closed with the engine. */
    static LocalEngine start(EngineOptions options, Supplier<Device> device) {
        return start(options, () -> ModelSource.open(options.model()), checkpoint -> Devices.Opened.of(device.get()), Progress.NONE);
    }

    private static LocalEngine start(
            EngineOptions options, Supplier<ModelSource> source, Function<Checkpoint, Devices.Opened> device, Progress progress) {
        LocalEngine local = new LocalEngine();
        try {
            local.load(options, source, device, progress);
            return local;
        } catch (ModelException | CheckpointException | QuantisationException | TokenizerException | ChatTemplateException e) {
            local.close();
            throw new StartException(e.getMessage(), e);
        } catch (RuntimeException | Error e) {
            local.close();
            throw e;
        }
    }

    public Inference inference() {
        return inference;
    }

    public Operations operations() {
        return operations;
    }

    public Engine engine() {
        return engine;
    }

    public DecoderSpec spec() {
        return spec;
    }

    /** Bytes of weights that a decode step reads, in the file's own format: all but the embedding table, unless it is the head too. */
    public long decodeBytes() {
        return decodeBytes;
    }

    public StartReport report() {
        return report;
    }

    private static Devices.Opened open(EngineOptions options, Checkpoint checkpoint) {
        if (checkpoint instanceof PackedCheckpoint packed) {
            return Devices.openCpu(options.compute(), packed.file() + " is packed for the CPU; other devices take the model that it was made from");
        }
        DType kv = options.cache().kvCacheDtype();
        if (kv.quantised() && options.compute().device() != EngineOptions.DeviceKind.REFERENCE) {
            return Devices.openCpu(options.compute(), "a KV cache of " + kv + " is not built for other devices yet");
        }
        return Devices.open(options.compute(), types(options, checkpoint));
    }

    /** What was asked for, with the type that a packed file's weights have: with it everything is as if they had been loaded from the source. */
    private static EngineOptions effective(EngineOptions asked, Checkpoint checkpoint) {
        if (!(checkpoint instanceof PackedCheckpoint packed)) return asked;
        asked.compute().dtype().ifPresent(type -> {
            throw new StartException(packed.file() + " is packed, and its weights stay as they are: --dtype and --quantize have no meaning for it");
        });
        return asked.withWeights(packed.type());
    }

    private void load(
            EngineOptions asked, Supplier<ModelSource> opening, Function<Checkpoint, Devices.Opened> maker, Progress progress) {
        long begun = System.nanoTime();
        ModelSource source = own(opening.get());
        ModelConfig config = source.config();
        Checkpoint checkpoint = source.checkpoint();
        EngineOptions options = effective(asked, checkpoint);
        Devices.Opened opened = maker.apply(checkpoint);
        Device device = own(opened.device());
        LoadedModel model = LoadedModel.load(options, config, checkpoint, device, progress);
        spec = model.spec();
        Devices.Opened widened = widening(opened, spec, checkpoint, new LoadOptions(options.compute().dtype(), model.limits().maxModelLength()));
        decodeBytes = Decoder.readBytes(spec, checkpoint, new LoadOptions(options.compute().dtype(), model.limits().maxModelLength()));
        Tokenizer tokenizer = source.tokenizer();
        Optional<ChatFormat> chat = TemplateChatFormat.find(options, source, tokenizer);

        ModelInfo info = info(options, model, checkpoint, device, chat.isPresent());
        DeviceExecutor executor = DeviceExecutor.of(device, model.decoder()::step, model.limits().batch());
        engine = own(new Engine(config(options, model), executor)).start();
        inference = own(new LocalInference(
                info, tokenizer, chat, config.endIds(model.spec().vocabulary()), model.limits().maxChoices(), engine::submit,
                new TextWorkers(PROMPT_WORKERS, TEXT_WORKERS)));
        operations = new LocalOperations(engine, inference, device.info(), Version.CURRENT);
        long loaded = System.nanoTime();
        WarmUp.generateOneToken(engine);
        report = new StartReport(
                widened.info(), info, info.dtype(), model.memory(), model.limits().explain(),
                loaded - begun, System.nanoTime() - loaded);
    }

    /** Says in the device's line what it costs to multiply quantised weights as F32. */
    private static Devices.Opened widening(Devices.Opened opened, DecoderSpec spec, Checkpoint checkpoint, LoadOptions load) {
        boolean quantised = load.widens() && checkpoint.names().stream().anyMatch(name -> checkpoint.dtype(name).quantised());
        if (!quantised) return opened;
        LoadOptions asTheyAre = new LoadOptions(Optional.empty(), load.maxModelLength());
        return opened.because(String.format(java.util.Locale.ROOT, "--dtype f32 widens quantised weights, to %,d MiB from %,d MiB",
                Decoder.weightBytes(spec, checkpoint, opened.device(), load) >> 20, Decoder.weightBytes(spec, checkpoint, opened.device(), asTheyAre) >> 20));
    }

    /** What all tensors become, or the types that they have as far as we know them; if another one is needed, loading says so. */
    private static Set<DType> types(EngineOptions options, Checkpoint checkpoint) {
        if (options.compute().dtype().isPresent()) return Set.of(options.compute().dtype().get());
        Set<DType> types = EnumSet.noneOf(DType.class);
        for (String name : checkpoint.names()) {
            try {
                types.add(checkpoint.dtype(name));
            } catch (CheckpointException unknown) {
                LOG.log(System.Logger.Level.DEBUG, unknown.getMessage());
            }
        }
        return types;
    }

    private static EngineConfig config(EngineOptions options, LoadedModel model) {
        EngineOptions.Limits l = options.limits();
        Policy policy = new Policy(Policy.DEFAULT.ageing(), l.slowReaderTimeout());
        return new EngineConfig(model.limits(), policy, StepBudget.timed(l.maxNumBatchedTokens()), model.spec().vocabulary(), l.stallTimeout());
    }

    private static ModelInfo info(EngineOptions options, LoadedModel model, Checkpoint checkpoint, Device device, boolean chats) {
        LoadOptions load = new LoadOptions(options.compute().dtype(), model.limits().maxModelLength());
        String dtype = options.compute().dtype().map(Enum::name).orElseGet(() -> ModelReport.mostBytes(checkpoint).name());
        return new ModelInfo(
                options.name(),
                model.spec().family(),
                model.spec().parameters(),
                dtype.toLowerCase(java.util.Locale.ROOT),
                model.limits().maxModelLength(),
                model.spec().vocabulary(),
                model.config().samplingDefaults(),
                chats,
                Fingerprint.of(model.spec(), checkpoint, device.info(), load, options.cache().kvCacheDtype()));
    }

    private <T extends AutoCloseable> T own(T part) {
        owned.push(part);
        return part;
    }

    /** Ends what runs, then gives the memory back. */
    @Override
    public void close() {
        while (!owned.isEmpty()) {
            try {
                owned.pop().close();
            } catch (RuntimeException e) {
                throw e;
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
        }
    }
}
