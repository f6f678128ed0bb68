package dev.skald.text.jinja;

import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** A template, read and checked. Immutable, thread-safe. */
public final class JinjaTemplate {
    private final List<Node.Statement> statements;
    private final JinjaLimits limits;

    private JinjaTemplate(List<Node.Statement> statements, JinjaLimits limits) {
        this.statements = statements;
        this.limits = limits;
    }

    /**
     * @param source the template
     * @throws JinjaException with line and column, if it is none or uses a tag, filter or test that there isn't; or beyond the limits
     */
    public static JinjaTemplate parse(String source, JinjaLimits limits) {
        if (source.length() > limits.maxTemplateChars()) {
            throw JinjaException.limit("The template has " + source.length() + " characters; at most " + limits.maxTemplateChars());
        }
        try {
            return new JinjaTemplate(TemplateParser.parse(source, limits.maxDepth()), limits);
        } catch (StackOverflowError e) {
            throw JinjaException.limit("The template is nested too deep for this thread's stack");
        }
    }

    /**
     * @param variables JSON values by name: null, Boolean, Number, String, List, Map, and {@link OwnText}
     * @param clock     of strftime_now, with its time zone
     * @throws JinjaException when the template raises, goes wrong, or uses more than its limits allow
     */
    public RenderedText render(Map<String, ?> variables, Clock clock) {
        try {
            Map<String, Value> globals = new HashMap<>(Globals.ALL);
            variables.forEach((name, value) -> globals.put(name, Variables.of(value)));
            Str out = new Interpreter(new Rendering(new Budget(limits), clock, globals)).run(statements);
            if (out.text().length() > limits.maxOutputBytes() || out.text().getBytes(StandardCharsets.UTF_8).length > limits.maxOutputBytes()) {
                throw JinjaException.limit("The template gives more than " + limits.maxOutputBytes() + " bytes");
            }
            return new RenderedText(out);
        } catch (StackOverflowError e) {
            throw JinjaException.limit("The template is nested too deep for this thread's stack");
        }
    }
}
