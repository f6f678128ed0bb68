package dev.skald.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** `skald quantize`, `skald make-model` and `--quantize`, as a script calls them. */
class QuantizeCommandTest {
    private static final String MINI = "src/skald-mini/model";

    @TempDir
    Path folder;

    private static Ran generate(String model, String... more) {
        List<String> args = new ArrayList<>(List.of("generate", model, "--kv-cache-memory-bytes", "64MiB", "--prompt", "123+456=", "--max-tokens", "6",
                "--logprobs", "3", "--json"));
        args.addAll(List.of(more));
        return Ran.run(args.toArray(String[]::new));
    }

    /** Text, tokens and logprobs; not the timings. */
    private static String answer(Ran ran) throws IOException {
        assertEquals(0, ran.code(), ran.err());
        var node = new ObjectMapper().readTree(ran.out());
        return node.get("text") + " " + node.get("token_ids") + " " + node.get("logprobs");
    }

    @ParameterizedTest
    @ValueSource(strings = {"q8_0", "q4_k", "q3_k"})
    void aModelQuantisedWhileLoadingAnswersToTheBitLikeTheFile(String type) throws IOException {
        String file = folder.resolve("mini.gguf").toString();
        Ran ran = Ran.run("quantize", MINI, file, "--type", type);
        assertEquals(0, ran.code(), ran.err());
        assertTrue(ran.err().contains(type), ran.err());
        String fromFile = answer(generate(file));
        assertEquals(fromFile, answer(generate(MINI, "--quantize", type)));
        assertTrue(fromFile.contains("579"), fromFile);
    }

    @ParameterizedTest
    @ValueSource(strings = {"q4_0", "q5_k", "f16"})
    void aPackedFileAnswersToTheBitLikeItsSource(String type) throws IOException {
        String file = folder.resolve("mini.skald").toString();
        Ran ran = Ran.run("quantize", MINI, file, "--type", type, "--packed");
        assertEquals(0, ran.code(), ran.err());
        String asked = type.equals("f16") ? "--dtype" : "--quantize";
        assertEquals(answer(generate(MINI, asked, type)), answer(generate(file)));
        assertEquals(answer(generate(MINI, asked, type, "--kernels", "java")), answer(generate(file, "--kernels", "java")));
    }

    @Test
    void whatAPackedFileIsAndIsNotIsSaid() throws IOException {
        String file = folder.resolve("mini.skald").toString();
        assertWrong("--packed may be meant", "quantize", MINI, file, "--type", "q4_0");
        assertEquals(0, Ran.run("quantize", MINI, file, "--packed").code());
        assertEquals(answer(generate(MINI)), answer(generate(file)));
        var fields = new ObjectMapper().readTree(Ran.run("inspect", file, "--json").out());
        assertEquals("true", fields.get("servable").asText());
        assertTrue(fields.get("format").asText().matches("packed v\\d+ \\(cpu-\\d+\\), of safetensors"), fields.toString());
        for (String again : List.of("again.gguf", "again.skald")) {
            Ran ran = Ran.run("quantize", file, folder.resolve(again).toString(), "--type", "q8_0", "--packed=" + again.endsWith("skald"));
            assertEquals(1, ran.code(), ran.err());
            assertTrue(ran.err().contains("is packed"), ran.err());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"q4_0", "q4_k"})
    void quantisedWeightsWidenedToF32GiveWhatTheReferenceGives(String type) throws IOException {
        String file = folder.resolve("mini.gguf").toString();
        assertEquals(0, Ran.run("quantize", MINI, file, "--type", type).code());
        Ran reference = generate(file, "--device", "reference", "--kv-cache-dtype", "f32");
        Ran widened = generate(file, "--dtype", "f32", "--kv-cache-dtype", "f32");
        assertTrue(widened.err().contains("--dtype f32 widens quantised weights"), widened.err());
        double exact = distance(reference, widened);
        double rounded = distance(reference, generate(file, "--kv-cache-dtype", "f32"));
        assertTrue(exact < 1e-3 && 20 * exact < rounded, exact + " with f32 activations, " + rounded + " with 8 bits");
    }

    /** The greatest of the first choice's likely tokens' logprobs. */
    private static double distance(Ran expected, Ran actual) throws IOException {
        assertEquals(0, expected.code(), expected.err());
        assertEquals(0, actual.code(), actual.err());
        var a = new ObjectMapper().readTree(expected.out()).get("logprobs").get(0).get("top");
        var b = new ObjectMapper().readTree(actual.out()).get("logprobs").get(0).get("top");
        double most = 0;
        for (int i = 0; i < a.size(); i++) {
            for (int j = 0; j < b.size(); j++) {
                if (a.get(i).get(0).equals(b.get(j).get(0))) most = Math.max(most, Math.abs(a.get(i).get(1).asDouble() - b.get(j).get(1).asDouble()));
            }
        }
        return most;
    }

    @Test
    void aFileIsReplacedOnlyWhenAskedTo() throws IOException {
        Path file = Files.writeString(folder.resolve("mini.gguf"), "mine");
        Ran refused = Ran.run("quantize", MINI, file.toString(), "--type", "q8_0");
        assertEquals(1, refused.code());
        assertTrue(refused.err().contains("--force"), refused.err());
        assertEquals("mine", Files.readString(file));
        assertEquals(0, Ran.run("quantize", MINI, file.toString(), "--type", "q8_0", "--force").code());
        assertTrue(Files.size(file) > 1_000_000);
    }

    @Test
    void whatMakesNoSenseIsSaid() {
        String file = folder.resolve("x.gguf").toString();
        assertWrong("SRC DST", "quantize", MINI);
        assertWrong("--type is missing", "quantize", MINI, file);
        assertWrong("--shape is missing", "make-model", "-o", file);
        assertWrong("-o is missing", "make-model", "--shape", "tiny");
        assertWrong("q9_z", "quantize", MINI, file, "--type", "q9_z");
        assertWrong(".gguf", "quantize", MINI, folder.resolve("x").toString(), "--type", "q8_0");
        assertWrong("--dtype", "generate", MINI, "--prompt", "x", "--quantize", "q8_0", "--dtype", "f16");
        assertWrong("--dtype f16 may be meant", "generate", MINI, "--prompt", "x", "--quantize", "f16");
        assertWrong("llama-2-7b", "make-model", "--shape", "llama-9", "-o", folder.resolve("m").toString());
        assertWrong("gguf", "make-model", "--shape", "tiny", "--type", "q4_0", "-o", folder.resolve("m").toString());
        assertWrong("MODEL", "bench", MINI, "--shape", "tiny");
        assertFalse(Files.exists(Path.of(file)));
    }

    private static void assertWrong(String named, String... args) {
        Ran ran = Ran.run(args);
        assertEquals(2, ran.code(), ran.err());
        assertTrue(ran.err().contains(named), ran.err());
    }

    @Test
    void aMadeModelIsTheSameInEveryFormat() throws IOException {
        String safetensors = make("safetensors", "a");
        String pytorch = make("pytorch", "b");
        String gguf = make("gguf", "c.gguf");
        String first = answer(generate(safetensors, "--ignore-eos"));
        assertEquals(first, answer(generate(pytorch, "--ignore-eos")));
        assertEquals(first, answer(generate(gguf, "--ignore-eos")));
        Ran again = Ran.run("make-model", "--shape", "tiny", "--format", "pytorch", "-o", pytorch);
        assertEquals(1, again.code());
        assertTrue(again.err().contains("--force"), again.err());
    }

    private String make(String format, String name) {
        String path = folder.resolve(name).toString();
        Ran ran = Ran.run("make-model", "--shape", "tiny", "--format", format, "-o", path, "--seed", "7");
        assertEquals(0, ran.code(), ran.err());
        return path;
    }

    @Test
    void benchMeasuresAShapeInMemoryAndDrawsIt() throws IOException {
        Path plot = folder.resolve("plot.svg");
        // One stream: of two so short ones the first may be over before the second begins, which bench rightly refuses to call decoding together.
        Ran ran = Ran.run("bench", "--shape", "tiny", "--quantize", "q4_0", "-p", "16", "-n", "8", "--streams", "1", "-r", "1", "--json",
                "--plot", plot.toString());
        assertEquals(0, ran.code(), ran.err());
        var line = new ObjectMapper().readTree(ran.out().lines().findFirst().orElseThrow());
        assertEquals("tiny", line.get("model").asText());
        assertEquals("q4_0", line.get("dtype").asText());
        // two layers and the final norm; q4_0 has 18 bytes for 32 elements, the head is q6_k: 210 for 256
        long matrices = 2L * (2 * 256 * 256 + 2 * 128 * 256 + 3 * 256 * 512) / 32 * 18;
        assertEquals(matrices + 5 * 256 * 4 + 512 * 256 / 256 * 210, line.get("weight_bytes").asLong());
        String svg = Files.readString(plot);
        assertTrue(svg.startsWith("<svg") && svg.endsWith("</svg>\n"), svg);
        assertTrue(svg.contains("1 stream,"), svg);
    }
}
