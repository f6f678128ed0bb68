package dev.skald.text.jinja;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Characters of a request are known as such wherever they come out. */
class JinjaOriginTest {
    private static final int GEORGIAN = 0x10D0;

    /** Strings with their letters and digits moved to a script that no template here is written in. */
    private static Object disguised(Object value) {
        return switch (value) {
            case null -> null;
            case String s -> {
                StringBuilder out = new StringBuilder();
                s.codePoints().forEach(c -> {
                    if (c >= 'a' && c <= 'z') out.appendCodePoint(GEORGIAN + c - 'a');
                    else if (c >= 'A' && c <= 'Z') out.appendCodePoint(GEORGIAN + c - 'A');
                    else out.appendCodePoint(c);
                });
                yield out.toString();
            }
            case List<?> list -> new ArrayList<Object>(list.stream().map(JinjaOriginTest::disguised).toList());
            case Map<?, ?> map -> {
                Map<Object, Object> out = new LinkedHashMap<>();
                // keys stay: templates ask for them by name
                map.forEach((key, item) -> out.put(key, key.equals("role") || key.equals("type") ? item : disguised(item)));
                yield out;
            }
            default -> value;
        };
    }

    private static boolean isGeorgian(int c) {
        return c >= 0x10A0 && c <= 0x10FF || c >= 0x1C90 && c <= 0x1CBF || c >= 0x2D00 && c <= 0x2D2F;
    }

    private static int check(RenderedText rendered, String hint) {
        int seen = 0;
        for (int i = 0; i < rendered.text().length(); i++) {
            if (!isGeorgian(rendered.text().charAt(i))) continue;
            seen++;
            assertTrue(rendered.isForeign(i), hint + "\n" + rendered.text());
        }
        return seen;
    }

    @Test
    void noSnippetLaundersARequestsCharacters() {
        JsonNode golden = JinjaGoldenTest.json("snippets.json");
        Map<String, Object> variables = new HashMap<>();
        JinjaGoldenTest.map(golden.get("variables")).forEach((name, value) -> variables.put(name, disguised(value)));
        int seen = 0;
        for (JsonNode one : golden.get("cases")) {
            String template = one.get("template").asText();
            try {
                seen += check(JinjaTemplate.parse(template, JinjaLimits.DEFAULT).render(variables, JinjaGoldenTest.NOW), template);
            } catch (JinjaException e) {
                continue; // other letters, other ways: an error launders nothing
            }
        }
        assertTrue(seen > 500, "only " + seen + " characters seen");
    }

    @Test
    void noChatTemplateLaundersARequestsCharactersAndItsOwnStayItsOwn() {
        JsonNode spec = JinjaGoldenTest.json("chats.json");
        int seen = 0;
        for (JsonNode one : JinjaGoldenTest.json("chats.out.json")) {
            Map<String, Object> variables = new HashMap<>();
            variables.put("tools", null);
            variables.put("bos_token", new OwnText("<s>"));
            variables.put("eos_token", new OwnText("</s>"));
            JsonNode chat = JinjaGoldenTest.stream(spec.get("chats")).filter(c -> c.get("name").equals(one.get("chat"))).findFirst().orElseThrow();
            JinjaGoldenTest.map(chat.get("variables")).forEach((name, value) -> variables.put(name, disguised(value)));
            String hint = one.get("template").asText() + ", " + one.get("chat").asText();
            try {
                RenderedText rendered = JinjaTemplate.parse(JinjaGoldenTest.text("chats/" + one.get("template").asText()), JinjaLimits.DEFAULT)
                        .render(variables, JinjaGoldenTest.NOW);
                seen += check(rendered, hint);
                if (hint.equals("qwen3.jinja, many turns")) assertOwn(rendered, "<|im_start|>", "<|im_end|>");
                if (hint.equals("llama2.jinja, many turns")) assertOwn(rendered, "<s>[INST] ", " [/INST] ", "</s>");
                if (hint.equals("schema.jinja, tool call and answer")) assertOwn(rendered, "<|start|>", "<|message|>", "<|end|>");
            } catch (JinjaException e) {
                continue;
            }
        }
        assertTrue(seen > 1_500, "only " + seen + " characters seen");
    }

    private static void assertOwn(RenderedText rendered, String... texts) {
        for (String text : texts) {
            int at = rendered.text().indexOf(text);
            assertTrue(at >= 0, text);
            for (; at >= 0; at = rendered.text().indexOf(text, at + 1)) {
                for (int i = at; i < at + text.length(); i++) assertFalse(rendered.isForeign(i), text + " at " + at);
            }
        }
    }

    @Test
    void eachCharacterKeepsItsOriginThroughStringOperations() {
        assertEquals("A[foreign]B", origins("{{ 'A' + x + 'B' }}", "foreign"));
        assertEquals("A[for]", origins("{{ ('A' ~ x)[:4] }}", "foreign"));
        assertEquals("[a]<-[b]", origins("{{ x.replace('|', '<-') }}", "a|b"));
        assertEquals("[b]A", origins("{{ ('A' ~ x)[::-1] }}", "b"));
        assertEquals("A-[x]-[y]", origins("{{ ['A'] | join ~ '-' ~ x.split(',') | join('-') }}", "x,y"));
        assertEquals("<[x]>", origins("{{ '<%s>' % x }}", "x"));
        assertEquals("<[x]>", origins("{{ '<{}>'.format(x) }}", "x"));
        assertEquals("A[X]", origins("{{ ('a' ~ x) | upper }}", "x"));
        assertEquals("  A\n  [x]", origins("{{ ('A\n' ~ x) | indent(2, true) }}", "x"));
        assertEquals("A[x]B", origins("{% macro m(v) %}A{{ v }}B{% endmacro %}{{ m(x) }}", "x"));
        assertEquals("[{\"k\": \"x\"}]", origins("{{ {'k': x} | tojson }}", "x"));
        assertEquals("{\"k\": \"own\"}", origins("{{ {'k': 'own'} | tojson }}", "x"));
        assertEquals("[['x']]", origins("{{ [x] }}", "x"));
        assertEquals("3", origins("{{ x | length }}", "abc"));
        assertEquals("A[b]", origins("{% set t %}A{{ x }}{% endset %}{{ t }}", "b"));
        assertEquals("[😀]!", origins("{{ x[0] ~ '!' }}", "😀x"));
    }

    /** The rendered text with its foreign stretches in brackets. */
    private static String origins(String template, String x) {
        RenderedText rendered = JinjaTemplate.parse(template, JinjaLimits.DEFAULT).render(Map.of("x", x), JinjaGoldenTest.NOW);
        StringBuilder out = new StringBuilder();
        boolean foreign = false;
        for (int i = 0; i < rendered.text().length(); i++) {
            if (rendered.isForeign(i) != foreign) out.append(foreign ? ']' : '[');
            foreign = rendered.isForeign(i);
            out.append(rendered.text().charAt(i));
        }
        return out.append(foreign ? "]" : "").toString();
    }
}
