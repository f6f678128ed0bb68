package dev.skald.text.jinja;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whatever a template is, it ends with text within its limits, or with one kind of exception. */
class JinjaLimitsTest {
    private static final long SEED = 2025;
    private static final String EXTRA = "{}%-+|.()[]'\"\\=~ 0e\uD83D\n";
    private static final JinjaLimits SMALL = new JinjaLimits(1 << 20, 200_000, 1 << 20, 1 << 18, 200);

    private static JinjaException fails(String template) {
        return assertThrows(JinjaException.class, () -> JinjaTemplate.parse(template, SMALL).render(Map.of(), JinjaGoldenTest.NOW), template);
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}",
        "{{ 'x' * 1000000000 }}",
        "{{ [0] * 1000000000 }}",
        "{{ 'x' * 10 ** 100 }}",
        "{{ 10 ** (10 ** 10) }}",
        "{{ (10 ** 1000) ** 1000 }}",
        "{% set ns = namespace(s='x') %}{% for i in range(64) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
        "{% set ns = namespace(s=[0]) %}{% for i in range(64) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
        "{% set ns = namespace(s='x') %}{% for i in range(64) %}{% set ns.s = ns.s.replace('x', ns.s ~ 'x') %}{% endfor %}",
        "{% set ns = namespace(s='x') %}{% for i in range(64) %}{% set ns.s = ns.s | join(ns.s) ~ 'xx' %}{% endfor %}",
        "{% set ns = namespace(s=[]) %}{% for i in range(9999) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}{{ ns.s }}",
        "{% set ns = namespace(s=[]) %}{% for i in range(9999) %}{% set ns.s = [ns.s] %}{% endfor %}{{ ns.s | tojson }}",
        "{% set ns = namespace(s=[], t=[]) %}{% for i in range(9999) %}{% set ns.s = [ns.s] %}{% set ns.t = [ns.t] %}{% endfor %}{{ ns.s == ns.t }}",
        "{% set ns = namespace(s=[]) %}{% for i in range(30) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}{{ ns.s }}",
        "{% set ns = namespace() %}{% set ns.a = ns %}{{ ns }}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{% macro m(x) %}{{ x }}{{ m(x ~ x) }}{% endmacro %}{{ m('abc') }}",
        "{% for x in [[[[]]]] recursive %}{{ loop([x]) }}{% endfor %}",
        "{{ '%999999999d' % 1 }}",
        "{{ '{:>999999999}'.format('x') }}",
        "{{ 'x'.center(999999999) }}",
        "{{ 'x' | center(999999999) }}",
        "{{ 'x'.zfill(999999999) }}",
        "{{ '\\t'.expandtabs(999999999) }}",
        "{{ 'x' | indent(999999999, true) }}",
        "{{ range(100000) | list | tojson(indent=64) }}",
        "{{ range(99999999) }}",
        "{{ [1] | batch(999999999, 0) | list }}",
        "{{ [1] | slice(999999999, 0) | list }}",
        "{% for i in range(100000) %}0123456789{% endfor %}"
    })
    void greedyTemplatesAreStopped(String template) {
        assertEquals(JinjaException.Kind.LIMIT, fails(template).kind());
    }

    @Test
    void deepTemplatesAreStoppedOnASmallStackToo() throws InterruptedException {
        List<String> deep = List.of("(".repeat(100_000), "[".repeat(100_000), "{{ " + "(".repeat(5000) + "1" + ")".repeat(5000) + " }}",
                "{{ " + "[".repeat(5000) + "]".repeat(5000) + " }}", "{{ " + "-".repeat(5000) + "1 }}", "{{ " + "not ".repeat(5000) + "1 }}",
                "{{ 1" + " + 1".repeat(5000) + " }}", "{{ 1" + " if 1 else 1".repeat(5000) + " }}", "{{ x" + ".a".repeat(5000) + " }}",
                "{{ 'x'" + "|upper".repeat(5000) + " }}", "{% if 1 %}".repeat(5000) + "{% endif %}".repeat(5000), "{{ " + "{1:".repeat(5000) + " }}",
                "{% set " + "(".repeat(5000) + "a" + ")".repeat(5000) + " = 1 %}", "{{ 1" + " ** 1".repeat(5000) + " }}", "{{ 1" + " and 1".repeat(5000) + " }}");
        AtomicReference<Throwable> failure = new AtomicReference<>();
        Thread small = new Thread(null, () -> {
            for (String template : deep) {
                try {
                    JinjaTemplate.parse(template, SMALL).render(Map.of("x", Map.of()), JinjaGoldenTest.NOW);
                } catch (JinjaException e) {
                    // as it should be
                } catch (Throwable e) {
                    failure.compareAndSet(null, new AssertionError(template.substring(0, 20), e));
                }
            }
        }, "small stack", 256 * 1024);
        small.start();
        small.join();
        if (failure.get() != null) throw new AssertionError(failure.get());
    }

    @Test
    void whatTheDepthLimitAllowsFitsAnOrdinaryStack() throws InterruptedException {
        int n = SMALL.maxDepth() / 2;
        List<String> deep = List.of("{{ " + "(".repeat(n) + "1" + ")".repeat(n) + " }}", "{{ " + "[".repeat(n) + "]".repeat(n) + " }}",
                "{% if 1 %}".repeat(n - 2) + "{% endif %}".repeat(n - 2), "{{ 1" + " + 1".repeat(n) + " }}",
                "{% macro m(n) %}{% if n %}{% for i in [1] %}{{ m(n - 1) ~ '' }}{% endfor %}{% endif %}{% endmacro %}{{ m(20) }}");
        AtomicReference<Throwable> failure = new AtomicReference<>();
        Thread ordinary = new Thread(null, () -> {
            for (String template : deep) JinjaTemplate.parse(template, SMALL).render(Map.of(), JinjaGoldenTest.NOW);
        }, "half an ordinary stack", 512 * 1024);
        ordinary.setUncaughtExceptionHandler((thread, e) -> failure.set(e));
        ordinary.start();
        ordinary.join();
        if (failure.get() != null) throw new AssertionError(failure.get());
    }

    @Test
    void theTemplatesOwnSizeIsLimited() {
        assertEquals(JinjaException.Kind.LIMIT, assertThrows(JinjaException.class, () -> JinjaTemplate.parse("x".repeat((1 << 20) + 1), SMALL)).kind());
    }

    @Test
    void whatThereIsntIsAnErrorWithItsPlaceAtLoadTime() {
        assertPlace("a\n {{ x | nope }}", 2, 9, "nope");
        assertPlace("{% if false %}{{ x | nope }}{% endif %}", 1, 22, "nope");
        assertPlace("{{ x is nope }}", 1, 9, "nope");
        assertPlace("\n\n{% nope %}", 3, 4, "nope");
        assertPlace("{% include 'x' %}", 1, 4, "include");
        assertPlace("{{ x | select('odd') | nope.nope }}", 1, 24, "nope.nope");
    }

    private static void assertPlace(String template, int line, int column, String what) {
        JinjaException e = assertThrows(JinjaException.class, () -> JinjaTemplate.parse(template, SMALL));
        assertEquals(JinjaException.Kind.SYNTAX, e.kind());
        assertEquals(line + ":" + column, e.line() + ":" + e.column(), e.getMessage());
        assertTrue(e.describe().contains(what), e.describe());
    }

    /** Golden templates with characters and stretches changed, moved, doubled and cut. */
    @Test
    void mutatedTemplatesNeverEscape() {
        JsonNode golden = JinjaGoldenTest.json("snippets.json");
        Map<String, Object> variables = JinjaGoldenTest.map(golden.get("variables"));
        List<String> seeds = new ArrayList<>();
        golden.get("cases").forEach(one -> seeds.add(one.get("template").asText()));
        for (String name : List.of("llama3", "qwen3", "mistral", "gemma", "schema", "llama2")) seeds.add(JinjaGoldenTest.text("chats/" + name + ".jinja"));
        Random random = new Random(SEED);
        Map<String, Integer> outcomes = new HashMap<>();
        JinjaLimits limits = new JinjaLimits(1 << 20, 20_000, 1 << 18, 1 << 16, 200);
        for (int round = 0; round < 30_000; round++) {
            String template = seeds.get(random.nextInt(seeds.size()));
            for (int i = 1 + random.nextInt(4); i > 0; i--) template = mutate(template, seeds, random);
            String outcome;
            try {
                RenderedText text = JinjaTemplate.parse(template, limits).render(variables, JinjaGoldenTest.NOW);
                assertTrue(text.text().length() <= limits.maxOutputBytes());
                outcome = "text";
            } catch (JinjaException e) {
                outcome = e.kind().name();
            } catch (RuntimeException | Error e) {
                throw new AssertionError("seed " + SEED + ", round " + round + ": " + template, e);
            }
            outcomes.merge(outcome, 1, Integer::sum);
        }
        for (String kind : List.of("text", "SYNTAX", "TYPE", "UNDEFINED")) assertTrue(outcomes.getOrDefault(kind, 0) > 200, outcomes.toString());
    }

    private static String mutate(String template, List<String> seeds, Random random) {
        int n = template.length();
        int at = random.nextInt(n + 1);
        int to = Math.min(n, at + random.nextInt(12));
        String other = seeds.get(random.nextInt(seeds.size()));
        int from = random.nextInt(other.length());
        String piece = other.substring(from, Math.min(other.length(), from + random.nextInt(20)));
        return switch (random.nextInt(5)) {
            case 0 -> template.substring(0, at) + template.substring(to);
            case 1 -> template.substring(0, at) + piece + template.substring(at);
            case 2 -> template.substring(0, at) + piece + template.substring(to);
            case 3 -> template.substring(0, to) + template.substring(at);
            default -> template.substring(0, at) + EXTRA.charAt(random.nextInt(EXTRA.length())) + template.substring(at);
        };
    }
}
