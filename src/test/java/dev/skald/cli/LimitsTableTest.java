package dev.skald.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.skald.sampling.SamplingParams;
import dev.skald.service.InferenceRequest;
import dev.skald.service.SamplingOptions;
import dev.skald.service.ScoreRequest;
import dev.skald.text.jinja.JinjaLimits;
import java.io.IOException;
import java.lang.reflect.Field;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import picocli.CommandLine.Option;

/** src/docs/limits.md says what the code does. */
class LimitsTableTest {
    private static final Path TABLE = Path.of("src/docs/limits.md");
    private static final Pattern DEFAULT = Pattern.compile("\\(default: ([^)]*)\\)");
    /** Flags of the engine that are choices, not limits. */
    private static final Set<String> CHOICES =
            Set.of("--device", "--kernels", "--isa", "--batch-invariant", "--enforce-eager", "--dtype", "--quantize", "--kv-cache-dtype", "--chat-template");

    /** Flag → its cell of defaults. */
    private static Map<String, String> table() throws IOException {
        Map<String, String> rows = new LinkedHashMap<>();
        for (String line : Files.readAllLines(TABLE)) {
            String[] cells = line.split("\\|");
            if (cells.length > 4 && cells[2].strip().startsWith("`--")) rows.put(cells[2].strip().replace("`", ""), cells[3].strip());
        }
        return rows;
    }

    private static Map<String, String> flags() {
        Map<String, String> flags = new LinkedHashMap<>();
        Stream.of(EngineFlags.class, DoorLimitFlags.class).flatMap(c -> Stream.of(c.getDeclaredFields())).forEach(field -> {
            Option option = field.getAnnotation(Option.class);
            if (option == null) return;
            String name = Stream.of(option.names()).filter(n -> n.startsWith("--")).findFirst().orElseThrow();
            if (!CHOICES.contains(name)) flags.put(name, shownDefault(field, option));
        });
        return flags;
    }

    private static String shownDefault(Field field, Option option) {
        Matcher shown = DEFAULT.matcher(String.join(" ", option.description()));
        assertTrue(shown.find(), field + " doesn't say its default");
        return shown.group(1);
    }

    @Test
    void everyLimitWithAFlagIsInTheTableWithItsDefault() throws IOException {
        Map<String, String> said = flags();
        Map<String, String> table = table();
        assertEquals(said.keySet(), table.keySet());
        for (String flag : said.keySet()) {
            assertEquals(plain(said.get(flag)), plain(table.get(flag)), flag);
        }
    }

    private static String plain(String text) {
        return text.replaceAll("[,.]$", "").strip();
    }

    @Test
    void theDefaultsThatHelpTellsAreTheOnesInForce() {
        DoorLimitFlags door = new DoorLimitFlags();
        assertEquals(4 << 20, door.maxMessageBytes);
        assertEquals(16 << 10, door.maxHeaderBytes);
        assertEquals(256 << 20, door.maxInboundBytes);
        assertEquals(256 << 20, door.maxOutboundBytes);
        assertEquals(256 << 10, door.streamBufferBytes);
        Map<String, Object> numbers = Map.of(
                "--max-connections", door.maxConnections,
                "--max-streams-per-connection", door.maxStreamsPerConnection,
                "--max-calls", door.maxCalls,
                "--max-resets", door.maxResetsPerWindow,
                "--receive-timeout", door.receiveTimeout.toSeconds(),
                "--handshake-timeout", door.handshakeTimeout.toSeconds(),
                "--keep-alive-time", door.keepAliveTime.toSeconds(),
                "--keep-alive-timeout", door.keepAliveTimeout.toSeconds(),
                "--permit-keep-alive-time", door.permitKeepAliveTime.toSeconds(),
                "--max-connection-idle", door.maxConnectionIdle.toSeconds());
        Map<String, String> said = flags();
        numbers.forEach((flag, value) -> assertEquals(String.valueOf(value), said.get(flag), flag));
        var engine = new EngineFlags().options(Path.of("model"), java.util.Optional.empty()).limits();
        assertTrue(said.get("--max-num-seqs").startsWith(engine.maxNumSeqs() + ";"));
        assertTrue(said.get("--max-num-batched-tokens").startsWith(engine.maxNumBatchedTokens() + ","));
        assertEquals(String.valueOf(engine.queueSize()), said.get("--queue-size"));
        assertEquals(String.valueOf(engine.stallTimeout().toSeconds()), said.get("--stall-timeout"));
        assertTrue(said.get("--slow-reader-timeout").startsWith(engine.slowReaderTimeout().toSeconds() + ";"));
    }

    @Test
    void fixedLimitsAreInTheTableWithTheirValue() throws IOException {
        String table = Files.readString(TABLE);
        JinjaLimits jinja = JinjaLimits.DEFAULT;
        List<String> rows = List.of(
                row("characters of a request id; of a cache salt", InferenceRequest.MAX_ID_CHARS, InferenceRequest.MAX_SALT_CHARS),
                row("choices (n) of a request", SamplingOptions.MAX_N),
                row("stop strings; characters of each", InferenceRequest.Stopping.MAX_STOP_STRINGS, InferenceRequest.Stopping.MAX_STOP_CHARS),
                row("stop ids", InferenceRequest.Stopping.MAX_STOP_IDS),
                row("most likely tokens beside each", InferenceRequest.Output.MAX_TOP_LOGPROBS),
                row("entries of logit_bias; of allowed_ids", SamplingParams.MAX_LOGIT_BIAS, SamplingParams.MAX_ALLOWED_IDS),
                row("banned sequences; ids of each", SamplingParams.MAX_BANNED_SEQUENCES, SamplingParams.MAX_BANNED_LENGTH),
                row("continuations of a scoring request", ScoreRequest.MAX_CONTINUATIONS),
                row("UTF-16 characters of a chat template", jinja.maxTemplateChars()),
                row("steps of one rendering", jinja.maxSteps()),
                row("UTF-16 characters that one rendering makes; bytes of its output", jinja.maxTextChars(), jinja.maxOutputBytes()),
                row("depth of one rendering", jinja.maxDepth()));
        for (String row : rows) assertTrue(table.contains(row), row);
    }

    private static String row(String what, int... values) {
        String cells = java.util.Arrays.stream(values).mapToObj(v -> String.format(Locale.ROOT, "%,d", v)).collect(Collectors.joining("; "));
        return "| " + what + " | " + cells + " |";
    }
}
