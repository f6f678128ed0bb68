package dev.skald.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.skald.boot.EngineOptions;
import dev.skald.grpc.DoorLimits;
import dev.skald.sampling.Sampler;
import dev.skald.sampling.SamplingParams;
import dev.skald.schedule.Limits;
import dev.skald.service.InferenceRequest;
import dev.skald.service.SamplingOptions;
import dev.skald.service.ScoreRequest;
import dev.skald.tensor.Shape;
import dev.skald.text.jinja.JinjaLimits;
import java.io.IOException;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.lang.reflect.RecordComponent;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

/** The page of limits names each of them, with the value and the flag that the code has. */
class LimitsTableTest {
    private static final Path PAGE = Path.of("src/docs/limits.md");
    private static final Pattern NAME = Pattern.compile("`([A-Za-z]+\\.[A-Za-z_]+)`");
    private static final Pattern AMOUNT = Pattern.compile("([\\d,]+)( KiB| MiB| s)?");

    /** Records of limits: each component has its row. */
    private static final List<Class<?>> RECORDS = List.of(Limits.class, DoorLimits.class, JinjaLimits.class);

    /** Classes whose public MAX_ constants have their rows, by the name that the page calls them. */
    private static final Map<String, Class<?>> CONSTANTS = Map.of(
            "Limits", Limits.class,
            "SamplingParams", SamplingParams.class,
            "SamplingOptions", SamplingOptions.class,
            "InferenceRequest", InferenceRequest.class,
            "Stopping", InferenceRequest.Stopping.class,
            "Output", InferenceRequest.Output.class,
            "ScoreRequest", ScoreRequest.class,
            "Sampler", Sampler.class,
            "Shape", Shape.class);

    /** Classes whose constants are not public but stand on the page. */
    private static final Map<String, String> HIDDEN = Map.of(
            "ChatPrompts", "dev.skald.grpc.ChatPrompts",
            "AdminService", "dev.skald.grpc.AdminService",
            "SafetensorsHeader", "dev.skald.weights.SafetensorsHeader",
            "ConfigObject", "dev.skald.model.ConfigObject",
            "TokenizerFile", "dev.skald.text.TokenizerFile");

    private record Row(String value, String flag) {}

    private static final Map<String, Row> ROWS = new HashMap<>();

    @BeforeAll
    static void read() throws IOException {
        for (String line : Files.readAllLines(PAGE)) {
            String[] cells = line.split("\\|");
            if (cells.length < 5) continue;
            Matcher name = NAME.matcher(cells[2]);
            if (name.find()) ROWS.put(name.group(1), new Row(cells[3].strip(), cells[4].strip()));
        }
    }

    @Test
    void every_limit_of_the_records_has_its_row() {
        Set<String> missing = new TreeSet<>();
        for (Class<?> record : RECORDS) {
            for (RecordComponent c : record.getRecordComponents()) missing.add(record.getSimpleName() + "." + c.getName());
        }
        missing.removeAll(ROWS.keySet());
        assertEquals(Set.of(), missing);
    }

    @Test
    void every_constant_has_its_row_with_its_value() throws ReflectiveOperationException {
        List<String> wrong = new ArrayList<>();
        for (Map.Entry<String, Class<?>> entry : CONSTANTS.entrySet()) {
            for (Field field : entry.getValue().getDeclaredFields()) {
                if (!Modifier.isStatic(field.getModifiers()) || !Modifier.isPublic(field.getModifiers()) || !field.getName().startsWith("MAX_")) continue;
                check(entry.getKey() + "." + field.getName(), field.getLong(null), wrong);
            }
        }
        assertEquals(List.of(), wrong);
    }

    @Test
    void rows_of_constants_that_others_cannot_see_have_their_values() throws ReflectiveOperationException {
        List<String> wrong = new ArrayList<>();
        int seen = 0;
        for (String name : ROWS.keySet()) {
            String[] parts = name.split("\\.");
            String hidden = HIDDEN.get(parts[0]);
            if (hidden == null) continue;
            Field field = Class.forName(hidden).getDeclaredField(parts[1]);
            field.setAccessible(true);
            check(name, field.getLong(null), wrong);
            seen++;
        }
        assertEquals(List.of(), wrong);
        assertTrue(seen >= HIDDEN.size(), "rows: " + seen);
    }

    @Test
    void defaults_of_door_and_templates_are_the_ones_in_the_table() throws ReflectiveOperationException {
        List<String> wrong = new ArrayList<>();
        for (Record defaults : List.<Record>of(DoorLimits.DEFAULT, JinjaLimits.DEFAULT)) {
            for (RecordComponent c : defaults.getClass().getRecordComponents()) {
                String name = defaults.getClass().getSimpleName() + "." + c.getName();
                Object value = c.getAccessor().invoke(defaults);
                if (DoorLimits.NEVER.equals(value)) {
                    assertEquals("never", ROWS.get(name).value(), name);
                } else {
                    check(name, value instanceof Duration d ? d.toSeconds() : ((Number) value).longValue(), wrong);
                }
            }
        }
        assertEquals(List.of(), wrong);
    }

    @Test
    void defaults_of_the_engine_are_the_ones_in_the_table() {
        List<String> wrong = new ArrayList<>();
        EngineOptions.Limits defaults = EngineOptions.Limits.DEFAULT;
        check("Limits.maxQueued", defaults.queueSize(), wrong);
        check("Limits.maxSequences", defaults.maxNumSeqs(), wrong);
        check("Limits.maxBatchedTokens", defaults.maxNumBatchedTokens(), wrong);
        check("Limits.maxTopLogprobs", InferenceRequest.Output.MAX_TOP_LOGPROBS, wrong);
        check("Limits.blockTokens", dev.skald.model.Decoder.BLOCK_TOKENS, wrong);
        check("EngineOptions.slowReaderTimeout", defaults.slowReaderTimeout().toSeconds(), wrong);
        check("EngineOptions.stallTimeout", defaults.stallTimeout().toSeconds(), wrong);
        assertEquals(List.of(), wrong);
    }

    @Test
    void every_flag_in_the_table_is_one_of_serve() {
        Stdio none = new Stdio(System.out, System.err, System.in, Map.of());
        Set<String> flags = new TreeSet<>();
        new CommandLine(new ServeCommand(none)).getCommandSpec().options().forEach(o -> flags.addAll(Arrays.asList(o.names())));
        Set<String> unknown = new TreeSet<>();
        for (Map.Entry<String, Row> row : ROWS.entrySet()) {
            String flag = row.getValue().flag();
            if (!flag.equals("—") && !flags.contains(flag.replace("`", ""))) unknown.add(row.getKey() + ": " + flag);
        }
        assertEquals(Set.of(), unknown);
    }

    private static void check(String name, long value, List<String> wrong) {
        Row row = ROWS.get(name);
        if (row == null) wrong.add(name + " has no row");
        else if (amount(row.value()) != value) wrong.add(name + " is " + value + " in the code, " + row.value() + " on the page");
    }

    /** Bytes or seconds or a count; −1 for what is none. */
    private static long amount(String cell) {
        Matcher m = AMOUNT.matcher(cell);
        if (!m.matches()) return -1;
        long number = Long.parseLong(m.group(1).replace(",", ""));
        return switch (m.group(2) == null ? "" : m.group(2)) {
            case " KiB" -> number << 10;
            case " MiB" -> number << 20;
            default -> number;
        };
    }
}
