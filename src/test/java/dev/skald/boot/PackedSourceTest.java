package dev.skald.boot;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.skald.compute.BatchLimits;
import dev.skald.compute.cpu.CpuDevice;
import dev.skald.compute.cpu.CpuOptions;
import dev.skald.compute.reference.ReferenceDevice;
import dev.skald.model.Decoder;
import dev.skald.model.DecoderSpec;
import dev.skald.model.LoadOptions;
import dev.skald.model.family.Families;
import dev.skald.quantize.Progress;
import dev.skald.tensor.DType;
import dev.skald.text.ChatInput;
import dev.skald.weights.NewFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A packed file is its source, weights aside, and its weights need no loading. */
class PackedSourceTest {
    private static final BatchLimits LIMITS = new BatchLimits(8, 2, 2, 16, 4);

    @TempDir
    Path folder;

    private Path pack(Path model, Optional<DType> type) throws IOException {
        Path file = folder.resolve("packed.skald");
        try (NewFile target = NewFile.create(file, true)) {
            ModelExport.toPacked(model, type, target, 2, Progress.NONE);
        }
        return file;
    }

    private static EngineOptions options(Path model, Optional<DType> type) {
        EngineOptions o = EngineOptions.of(model).withWeights(type);
        EngineOptions.Cache cache = new EngineOptions.Cache(o.cache().maxModelLen(), java.util.OptionalLong.of(1 << 20), DType.F16);
        EngineOptions.Limits l = o.limits();
        return new EngineOptions(o.model(), Optional.of("same"), o.chatTemplate(), o.compute(), cache,
                new EngineOptions.Limits(4, 64, 16, l.stallTimeout(), l.slowReaderTimeout()));
    }

    /** Everything that a model is known by but its start's duration. */
    private static String known(EngineOptions options) {
        try (LocalEngine engine = LocalEngine.start(options)) {
            return engine.report().model() + " " + engine.report().weightDtype() + " " + engine.decodeBytes() + " " + engine.spec();
        }
    }

    @Test
    void aFolderAndItsPackedFileAreKnownByTheSameFingerprint() throws IOException {
        Path model = TinyFolder.write(folder, "tiny", 1);
        for (Optional<DType> type : List.of(Optional.<DType>empty(), Optional.of(DType.F16), Optional.of(DType.BF16))) {
            assertEquals(known(options(model, type)), known(options(pack(model, type), Optional.empty())));
        }
    }

    @Test
    void aGgufFileAndItsPackedFileAreKnownByTheSameFingerprint() throws IOException {
        Path model = TinyGguf.write(folder.resolve("tiny.gguf"), 1);
        for (Optional<DType> type : List.of(Optional.<DType>empty(), Optional.of(DType.Q8_0))) {
            assertEquals(known(options(model, type)), known(options(pack(model, type), Optional.empty())));
        }
    }

    @Test
    void configurationTokenizerAndTemplateComeAlong() throws IOException {
        for (Path model : List.of(TinyFolder.write(folder, "tiny", 1), TinyGguf.write(folder.resolve("tiny.gguf"), 1))) {
            try (ModelSource source = ModelSource.open(model); ModelSource packed = ModelSource.open(pack(model, Optional.empty()))) {
                assertEquals(Families.spec(source.config()), Families.spec(packed.config()));
                assertEquals(source.config().endIds(1000), packed.config().endIds(1000));
                assertEquals(source.config().samplingDefaults(), packed.config().samplingDefaults());
                assertEquals(source.specialTokens(), packed.specialTokens());
                ChatInput chat = new ChatInput(List.of(Map.of("role", "user", "content", "hi")), List.of(), Map.of(), true, false);
                String prompt = source.chatTemplate().orElseThrow().render(chat).text();
                assertEquals(prompt, packed.chatTemplate().orElseThrow().render(chat).text());
                assertArrayEquals(source.tokenizer().encode(prompt, true), packed.tokenizer().encode(prompt, true));
            }
        }
    }

    @Test
    void weightsAreReadInTheFileAndNotCopied() throws IOException {
        Path file = pack(TinyFolder.write(folder, "tiny", 1), Optional.empty());
        try (ModelSource source = ModelSource.open(file); CpuDevice device = CpuDevice.open(CpuOptions.java(1))) {
            DecoderSpec spec = Families.spec(source.config());
            Decoder decoder = Decoder.load(spec, source.checkpoint(), device, LIMITS, new LoadOptions(Optional.empty(), 64));
            assertEquals(4L * 64 * spec.headDim(), decoder.weights().deviceBytes(), "only the rope table is the device's own");
        }
    }

    @Test
    void anotherDeviceIsRefused() throws IOException {
        Path file = pack(TinyFolder.write(folder, "tiny", 1), Optional.empty());
        EngineOptions o = options(file, Optional.empty());
        assertRefused("kernels read them", assertThrows(StartException.class, () -> LocalEngine.start(o, ReferenceDevice::new)), file);
        for (EngineOptions.DeviceKind kind : List.of(EngineOptions.DeviceKind.REFERENCE, EngineOptions.DeviceKind.CUDA)) {
            EngineOptions.Compute c = o.compute();
            EngineOptions asked = new EngineOptions(file, o.servedName(), o.chatTemplate(),
                    new EngineOptions.Compute(kind, c.kernels(), c.threads(), c.dtype(), c.isa(), c.batchInvariant()), o.cache(), o.limits());
            StartException refused = assertThrows(StartException.class, () -> LocalEngine.start(asked));
            assertRefused("--device " + kind, refused, file);
            assertTrue(refused.askedWrongly());
        }
        assertRefused("--quantize", assertThrows(StartException.class, () -> LocalEngine.start(options(file, Optional.of(DType.Q8_0)))), file);
    }

    @Test
    void aFileOfAnotherVersionOrLayoutSaysHowToMakeItAgain() throws IOException {
        Path file = pack(TinyFolder.write(folder, "tiny", 1), Optional.empty());
        byte[] bytes = Files.readAllBytes(file);
        byte[] newer = bytes.clone();
        newer[8]++;
        Files.write(file, newer);
        assertRefused("skald quantize SRC", assertThrows(StartException.class, () -> LocalEngine.start(options(file, Optional.empty()))), file);

        String text = new String(bytes, java.nio.charset.StandardCharsets.ISO_8859_1);
        int at = text.lastIndexOf("\"layout\":\"cpu-1\"");
        bytes[at + "\"layout\":\"cpu-".length()] = '0';
        Files.write(file, bytes);
        StartException refused = assertThrows(StartException.class, () -> LocalEngine.start(options(file, Optional.empty())));
        assertRefused("skald quantize SRC", refused, file);
        assertTrue(refused.getMessage().contains("cpu-0"), refused.getMessage());

        Files.write(file, Arrays.copyOf(bytes, bytes.length - 1));
        assertRefused("not whole", assertThrows(StartException.class, () -> LocalEngine.start(options(file, Optional.empty()))), file);
    }

    private static void assertRefused(String why, StartException refused, Path file) {
        assertTrue(refused.getMessage().contains(why) && refused.getMessage().contains(file.toString()), refused.getMessage());
    }
}
