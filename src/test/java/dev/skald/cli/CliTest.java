package dev.skald.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Finding commands, flags and where their values come from; nothing here loads a model. */
class CliTest {
    @TempDir
    Path folder;

    /** As `skald --help` lists them. */
    static List<String> commands() {
        return Ran.run("--help").out().lines().filter(l -> l.startsWith("  ")).map(l -> l.strip().split(" ")[0]).toList();
    }

    @Test
    void helpListsTheCommandsOnStandardOutput() {
        Ran ran = Ran.run("--help");
        assertEquals(0, ran.code());
        assertTrue(commands().containsAll(List.of("serve", "generate", "chat", "tokenize", "template", "inspect")), ran.out());
        assertEquals("", ran.err());
        assertFalse(ran.out().contains("train-cache"), "hidden commands stay hidden");
    }

    @Test
    void withoutACommandUsageGoesToStandardError() {
        Ran ran = Ran.run();
        assertEquals(2, ran.code());
        assertEquals("", ran.out());
        assertTrue(ran.err().startsWith("Usage: skald COMMAND"));
    }

    @Test
    void anUnknownCommandGetsAGuess() {
        Ran ran = Ran.run("sevre");
        assertEquals(2, ran.code());
        assertEquals("skald: no command `sevre`; did you mean `skald serve`? (`skald --help` lists them)\n", ran.err());
    }

    @ParameterizedTest
    @MethodSource("commands")
    void everyCommandExplainsItself(String command) {
        Ran ran = Ran.run(command, "--help");
        assertEquals(0, ran.code());
        assertEquals("", ran.err());
        assertTrue(ran.out().startsWith("Usage: skald " + command), ran.out());
        assertTrue(ran.out().contains("--log-level"), ran.out());
        Ran version = Ran.run(command, "--version");
        assertEquals(0, version.code());
        assertTrue(version.out().startsWith("skald "), version.out());
    }

    @ParameterizedTest
    @MethodSource("commands")
    void everyCommandRefusesAFlagThatItDoesNotKnow(String command) {
        Ran ran = Ran.run(command, "--log-levle", "debug");
        assertEquals(2, ran.code());
        assertEquals("", ran.out());
        assertEquals("skald " + command + ": no flag `--log-levle`; did you mean --log-level? (`skald " + command + " --help`)\n", ran.err());
    }

    private void refused(String sentence, Map<String, String> env, String... args) {
        Ran ran = Ran.with(env, "", args);
        assertEquals("skald " + args[0] + ": " + sentence + " (`skald " + args[0] + " --help`)\n", ran.err());
        assertEquals(2, ran.code());
        assertEquals("", ran.out());
    }

    @Test
    void wrongValuesAreNamedWithTheirFlag() {
        refused("--port can't be `http`: expected a whole number", Map.of(), "serve", "--port", "http");
        refused("--device can't be `gpu`: expected one of auto, cpu, cuda, reference", Map.of(), "serve", "--device", "gpu");
        refused("--stall-timeout can't be `soon`: expected seconds, such as 30 or 0.5", Map.of(), "serve", "--stall-timeout", "soon");
        refused("--prompt-ids can't be `1,x`: expected token ids, separated by commas", Map.of(), "generate", "--prompt-ids", "1,x");
        refused("--port needs a value", Map.of(), "serve", "--port");
        refused("--port is given twice", Map.of(), "serve", "--port", "1", "--port", "2");
        refused("port 70000 is outside [0, 65535]", Map.of(), "serve", "--port", "70000");
        refused("--max-num-seqs 0 is less than 1", Map.of(), "generate", "--prompt", "x", "--max-num-seqs", "0");
        refused("--kv-cache-dtype can't be `f8`: expected f16, bf16, f32 or q8_0", Map.of(), "generate", "--prompt", "x", "--kv-cache-dtype", "f8");
        refused("exactly one of --prompt, --prompt-file and --prompt-ids is needed", Map.of(), "generate");
        refused("temperature NaN is outside [0.0, 100.0]", Map.of(), "generate", "--prompt", "x", "--temperature", "NaN");
        refused("--logit-bias can't be `5`: expected a token id and a number, such as 17=-2.5", Map.of(), "generate", "--prompt", "x",
                "--logit-bias", "5");
    }

    @Test
    void aWrongValueFromTheEnvironmentNamesItsVariable() {
        refused("--port can't be `http`: expected a whole number (from SKALD__PORT)", Map.of("SKALD__PORT", "http"), "serve");
    }

    @Test
    void aVariableThatNamesNoFlagIsRefusedUnlessAnotherCommandHasIt() {
        refused("SKALD__PROT in the environment names no flag; did you mean port?", Map.of("SKALD__PROT", "1"), "serve");
        Ran other = Ran.with(Map.of("SKALD__PORT", "1", "SKALD__JAVA_HOME", "/jdk", "SKALD_PORT", "tcp://1"), "", "generate");
        assertTrue(other.err().contains("exactly one of --prompt"), "gets past the environment: " + other.err());
    }

    @Test
    void aConfigFileIsHeldToTheCommandsFlags() throws IOException {
        Path file = folder.resolve("skald.json");
        Files.writeString(file, "{\"prot\": 1}");
        refused("\"prot\" in " + file + " is no flag of this command; did you mean port?", Map.of(), "serve", "--config", file.toString());
        Files.writeString(file, "{\"port\": \"http\"}");
        refused("--port can't be `http`: expected a whole number (from \"port\" in " + file + ")", Map.of(), "serve", "--config=" + file);
        Files.writeString(file, "{\"port\": [1]}");
        refused("\"port\" in " + file + " must be a value", Map.of("SKALD__CONFIG", file.toString()), "serve");
        Files.writeString(file, "{\n\"port\": }");
        Ran broken = Ran.run("serve", "--config", file.toString());
        assertEquals(2, broken.code());
        assertTrue(broken.err().startsWith("skald serve: " + file + " is no JSON: "), broken.err());
        assertTrue(broken.err().contains("at line 2"), broken.err());
        assertEquals(1, Ran.run("serve", "--config", folder.resolve("none.json").toString()).code());
    }
}
