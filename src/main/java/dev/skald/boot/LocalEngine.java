package dev.skald.boot;

import dev.skald.compute.Device;
import dev.skald.engine.DeviceExecutor;
import dev.skald.engine.Engine;
import dev.skald.engine.EngineConfig;
import dev.skald.model.DecoderSpec;
import dev.skald.model.Fingerprint;
import dev.skald.model.LoadOptions;
import dev.skald.model.ModelConfig;
import dev.skald.model.ModelException;
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
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;

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

    private LocalEngine() {}

    /** @throws StartException in one sentence: a broken model, no room, a device that can't be had */
    public static LocalEngine start(EngineOptions options) {
        LocalEngine local = new LocalEngine();
        try {
            local.load(options);
            return local;
        } catch (ModelException | CheckpointException | TokenizerException | ChatTemplateException e) {
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

    public StartReport report() {
        return report;
    }

    private void load(EngineOptions options) {
        long begun = System.nanoTime();
        ModelConfig config = ModelConfig.read(options.model());
        Checkpoint checkpoint = own(Checkpoint.open(options.model()));
        Devices.Opened opened = Devices.open(options.compute(), types(checkpoint));
        Device device = own(opened.device());
        LoadedModel model = LoadedModel.load(options, config, checkpoint, device);
        spec = model.spec();
        Tokenizer tokenizer = Tokenizer.load(options.model());
        Optional<ChatFormat> chat = TemplateChatFormat.find(options, tokenizer);

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
                opened.info(), info, info.dtype(), model.memory(), model.limits().explain(),
                loaded - begun, System.nanoTime() - loaded);
    }

    /** Of all tensors that have a type known to us; if another one is needed, loading says so. */
    private static Set<DType> types(Checkpoint checkpoint) {
        Set<DType> types = EnumSet.noneOf(DType.class);
        for (String name : checkpoint.names()) {
            try {
                types.add(checkpoint.tensor(name).dtype());
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
        String dtype = options.compute().dtype().map(Enum::name).orElseGet(() -> checkpoint.tensor(checkpoint.names().iterator().next()).dtype().name());
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
