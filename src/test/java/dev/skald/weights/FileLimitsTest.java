package dev.skald.weights;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.skald.text.Vocabulary;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** src/docs/limits.md says what readers of model files do. */
class FileLimitsTest {
    @Test
    void limitsOfModelFilesAreInTheTableWithTheirValue() throws IOException {
        String table = Files.readString(Path.of("src/docs/limits.md"));
        List<String> rows = List.of(
                row("bytes of a safetensors header, or of an index of shards; tensors", SafetensorsHeader.MAX_BYTES, SafetensorsHeader.MAX_TENSORS),
                row("keys of a GGUF file; bytes of a key; of a string", GgufHeader.MAX_KEYS, GgufHeader.MAX_KEY_BYTES, GgufHeader.MAX_STRING_BYTES),
                row("elements of a GGUF array (an array of arrays is refused)", GgufHeader.MAX_ARRAY),
                row("tensors of a GGUF file; bytes of a tensor's name; dimensions", GgufHeader.MAX_TENSORS, GgufHeader.MAX_NAME_BYTES, GgufHeader.MAX_RANK),
                row("greatest alignment of a GGUF file, in bytes", GgufHeader.MAX_ALIGNMENT),
                row("entries of a PyTorch archive; bytes of its pickle", ZipDirectory.MAX_ENTRIES, PickleReader.MAX_BYTES),
                row("tokens of a GGUF or sentencepiece vocabulary", Vocabulary.MAX_PIECES));
        for (String row : rows) assertTrue(table.contains(row), row);
    }

    private static String row(String what, long... values) {
        return "| " + what + " | " + Arrays.stream(values).mapToObj(v -> String.format(Locale.ROOT, "%,d", v)).collect(Collectors.joining("; ")) + " |";
    }
}
