package dev.skald.text.jinja;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Byte for byte what Python's jinja2 gave ({@code golden/jinja/record.py}): texts, and where it raised, the kind of error. */
class JinjaGoldenTest {
    static final Clock NOW = Clock.fixed(Instant.parse("2025-03-07T09:05:02Z"), ZoneOffset.UTC);

    @TestFactory
    Stream<DynamicTest> snippets() {
        JsonNode golden = json("snippets.json");
        Map<String, Object> variables = map(golden.get("variables"));
        return stream(golden.get("cases")).map(one -> DynamicTest.dynamicTest(name(one.get("template").asText()),
                () -> check(one, one.get("template").asText(), variables)));
    }

    @TestFactory
    Stream<DynamicTest> chats() {
        JsonNode spec = json("chats.json");
        return stream(json("chats.out.json")).map(one -> DynamicTest.dynamicTest(one.get("template").asText() + " " + one.get("chat").asText(), () -> {
            Map<String, Object> variables = new HashMap<>();
            variables.put("tools", null);
            variables.put("documents", null);
            variables.put("add_generation_prompt", false);
            variables.putAll(map(spec.get("tokens")));
            JsonNode chat = stream(spec.get("chats")).filter(c -> c.get("name").equals(one.get("chat"))).findFirst().orElseThrow();
            variables.putAll(map(chat.get("variables")));
            check(one, text("chats/" + one.get("template").asText()), variables);
        }));
    }

    private static void check(JsonNode golden, String template, Map<String, Object> variables) {
        String text;
        try {
            text = JinjaTemplate.parse(template, JinjaLimits.DEFAULT).render(variables, NOW).text();
        } catch (JinjaException e) {
            assertTrue(golden.has("error"), () -> "raised " + e.kind() + ": " + e.describe() + "\ninstead of:\n" + golden.path("text").asText());
            assertEquals(golden.get("error").asText(), e.kind().name(), e.describe() + "\nPython: " + golden.get("message").asText());
            if (e.kind() == JinjaException.Kind.RAISED || e.kind() == JinjaException.Kind.UNDEFINED) {
                assertEquals(golden.get("message").asText(), e.getMessage());
            }
            // an error in a function that the template calls from its first line has a place, too
            assertTrue(e.line() > 0 && e.column() > 0, "no place: " + e.getMessage());
            return;
        }
        assertTrue(golden.has("text"), () -> "gave text instead of " + golden.path("error").asText() + ": " + golden.path("message").asText() + "\n" + text);
        assertEquals(golden.get("text").asText(), text);
    }

    private static String name(String template) {
        String line = template.replace("\n", "⏎");
        return line.length() > 80 ? line.substring(0, 80) + "…" : line;
    }

    static Stream<JsonNode> stream(JsonNode array) {
        return java.util.stream.StreamSupport.stream(array.spliterator(), false);
    }

    @SuppressWarnings("unchecked")
    static Map<String, Object> map(JsonNode node) {
        return new ObjectMapper().convertValue(node, LinkedHashMap.class);
    }

    static JsonNode json(String name) {
        try {
            return new ObjectMapper().readTree(text(name));
        } catch (IOException e) {
            throw new IllegalStateException(name, e);
        }
    }

    static String text(String name) {
        try (InputStream in = JinjaGoldenTest.class.getResourceAsStream("/golden/jinja/" + name)) {
            return new String(in.readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new IllegalStateException(name, e);
        }
    }
}
