package dev.skald.convert;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.skald.boot.ModelExport;
import dev.skald.model.ConfigObject;
import dev.skald.model.DecoderSpec;
import dev.skald.model.GgufConfig;
import dev.skald.model.ModelConfig;
import dev.skald.model.ModelShape;
import dev.skald.model.WeightPlan;
import dev.skald.model.family.Families;
import dev.skald.quantize.Progress;
import dev.skald.quantize.Quantiser;
import dev.skald.tensor.Blocks;
import dev.skald.tensor.DType;
import dev.skald.tensor.Tensor;
import dev.skald.weights.Checkpoint;
import dev.skald.weights.GgufCheckpoint;
import dev.skald.weights.NewFile;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GgufExportTest {
    private static final Path MINI = Path.of("src/skald-mini/model");

    @TempDir
    Path folder;

    private Path export(Path source, DType type, String name) throws IOException {
        return export(source, type, name, Progress.NONE);
    }

    private Path export(Path source, DType type, String name, Progress progress) throws IOException {
        Path path = folder.resolve(name);
        try (NewFile file = NewFile.create(path, false); Quantiser quantiser = new Quantiser(2)) {
            ModelExport.toGguf(source, type, file, quantiser, progress);
        }
        return path;
    }

    @Test
    void theConfigurationSurvivesTheWayThroughGguf() throws IOException {
        DecoderSpec original = Families.spec(ModelConfig.read(MINI));
        try (GgufCheckpoint gguf = GgufCheckpoint.open(export(MINI, DType.F32, "mini.gguf"))) {
            ModelConfig config = GgufConfig.of(gguf, List.of(2, 0));
            assertEquals(original.named(Families.ggufNames(original)), Families.spec(config));
        }
    }

    @Test
    void rowsOfQueryAndKeyStandInGgufsOrderAndAllElseAsItWas() throws IOException {
        DecoderSpec spec = Families.spec(ModelConfig.read(MINI));
        try (Checkpoint from = Checkpoint.open(MINI); Checkpoint to = Checkpoint.open(export(MINI, DType.F32, "mini.gguf"))) {
            List<WeightPlan.Entry> names = WeightPlan.of(spec, DType.F32).entries();
            List<WeightPlan.Entry> ggufNames = WeightPlan.of(spec.named(Families.ggufNames(spec)), DType.F32).entries();
            int reordered = 0;
            for (int i = 0; i < names.size(); i++) {
                float[] a = values(from.tensor(names.get(i).name()));
                float[] b = values(to.tensor(ggufNames.get(i).name()));
                if (names.get(i).queryOrKey()) {
                    reordered++;
                    assertPairs(a, b, spec.headDim(), spec.hidden());
                } else {
                    assertArrayEquals(a, b, names.get(i).name());
                }
            }
            assertEquals(2 * spec.layers(), reordered);
        }
    }

    private static void assertPairs(float[] halves, float[] pairs, int headDim, int cols) {
        for (int row = 0; row < halves.length / cols; row++) {
            int inHead = row % headDim;
            int other = row - inHead + (inHead < headDim / 2 ? 2 * inHead : 2 * (inHead - headDim / 2) + 1);
            for (int c = 0; c < cols; c++) assertEquals(halves[row * cols + c], pairs[other * cols + c]);
        }
    }

    @Test
    void fromGgufComeTheSameBytesAsFromTheFolder() throws IOException {
        Path direct = export(MINI, DType.Q4_K, "direct.gguf");
        Path detour = export(export(MINI, DType.F32, "f32.gguf"), DType.Q4_K, "detour.gguf");
        try (GgufCheckpoint a = GgufCheckpoint.open(direct); GgufCheckpoint b = GgufCheckpoint.open(detour)) {
            assertEquals(a.names(), b.names());
            for (String name : a.names()) {
                assertEquals(a.tensor(name).dtype(), b.tensor(name).dtype(), name);
                assertArrayEquals(bytes(a.tensor(name)), bytes(b.tensor(name)), name);
            }
            assertEquals(a.metadata().keys(), b.metadata().keys());
            assertEquals(DType.Q4_K, a.tensor("blk.0.ffn_down.weight").dtype());
            assertEquals(DType.Q6_K, a.tensor("token_embd.weight").dtype(), "the table is the head too");
            assertEquals(DType.F32, a.tensor("output_norm.weight").dtype());
        }
    }

    @Test
    void theSameModelGivesTheSameFile() throws IOException {
        assertArrayEquals(Files.readAllBytes(export(MINI, DType.Q4_0, "a.gguf")), Files.readAllBytes(export(MINI, DType.Q4_0, "b.gguf")));
    }

    @Test
    void progressRisesToTheEnd() throws IOException {
        List<Long> done = new ArrayList<>();
        long[] total = {0};
        export(MINI, DType.Q8_0, "mini.gguf", (at, of) -> {
            done.add(at);
            total[0] = of;
        });
        assertEquals(done.stream().sorted().toList(), done);
        assertEquals(total[0], done.getLast());
    }

    @Test
    void llamas3StretchedRopeBecomesAListOfDivisors() throws IOException {
        Path path = folder.resolve("stretched.gguf");
        ModelShape shape = ModelShape.TINY;
        String json = shape.json().replace("\"rms_norm_eps\"", "\"rope_scaling\": {\"rope_type\":\"llama3\",\"factor\":8.0,\"low_freq_factor\":1.0,"
                + "\"high_freq_factor\":4.0,\"original_max_position_embeddings\":64}, \"rms_norm_eps\"");
        ModelConfig config = new ModelConfig(ConfigObject.parse("stretched", json), java.util.Optional.empty(), ModelConfig.Convention.HUGGING_FACE);
        DecoderSpec spec = Families.spec(config);
        try (Checkpoint weights = RandomModel.weights(shape, DType.F16, 1, 1); NewFile file = NewFile.create(path, false); Quantiser quantiser = new Quantiser(1)) {
            GgufExport.Model model = new GgufExport.Model("x", config, weights, RandomModel.vocabulary(shape), java.util.Map.of(), java.util.Optional.empty());
            new GgufExport(quantiser, Progress.NONE).write(model, DType.F16, file);
        }
        try (GgufCheckpoint gguf = GgufCheckpoint.open(path)) {
            float[] written = values(gguf.tensor("rope_freqs.weight"));
            assertArrayEquals(spec.rope().divisors(spec.headDim()), written);
            assertEquals(1, written[0]);
            assertEquals(8, written[written.length - 1], 1e-6);
            assertArrayEquals(written, Families.spec(GgufConfig.of(gguf, List.of())).rope().divisors(spec.headDim()));
        }
    }

    @Test
    void whatIsNoModelLeavesNoFile() {
        assertThrows(RuntimeException.class, () -> export(folder, DType.Q8_0, "none.gguf"));
        assertTrue(Files.notExists(folder.resolve("none.gguf")));
    }

    private static float[] values(Tensor tensor) {
        float[] values = new float[(int) tensor.shape().elements()];
        Blocks.dequantise(tensor.dtype(), tensor.data(), 0, values);
        return values;
    }

    private static byte[] bytes(Tensor tensor) {
        return tensor.data().toArray(ValueLayout.JAVA_BYTE);
    }
}
