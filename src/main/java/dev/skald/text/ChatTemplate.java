package dev.skald.text;

import dev.skald.text.jinja.JinjaException;
import dev.skald.text.jinja.JinjaLimits;
import dev.skald.text.jinja.JinjaTemplate;
import dev.skald.text.jinja.OwnText;
import dev.skald.text.jinja.RenderedText;
import java.time.Clock;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * A model's chat template: turns a conversation into the text that the model was trained on. Immutable, thread-safe.
 *
 * <p>The prompt is encoded with {@link Tokenizer#encode(TrustedText)}, without further special tokens: a begin token is in the template.
 */
public final class ChatTemplate {
    /**
     * Roles count as the template's own text, because some templates build a special token from one ({@code "<|" + role + "|>"}). Any other
     * role is a request's text like everything else.
     */
    private static final Set<String> ROLES = Set.of(
            "system", "developer", "user", "assistant", "model", "tool", "tool_results", "tool_call", "function", "ipython", "observation",
            "human", "context");

    /** Put after the message that is to be continued; the space at its end shows whether the template trims. */
    private static final String HERE = "\uFDD0continue here\uFDD1 ";

    private final JinjaTemplate template;
    private final Optional<JinjaTemplate> withTools;
    private final Map<String, String> specialTokens;

    private ChatTemplate(JinjaTemplate template, Optional<JinjaTemplate> withTools, Map<String, String> specialTokens) {
        this.template = template;
        this.withTools = withTools;
        this.specialTokens = Map.copyOf(specialTokens);
    }

    /**
     * @param source        of the template
     * @param withTools     of another one for requests with tools
     * @param specialTokens what the template may call by name (bos_token, eos_token, …)
     * @throws JinjaException if one of them is no template
     */
    public static ChatTemplate of(String source, Optional<String> withTools, Map<String, String> specialTokens) {
        return new ChatTemplate(JinjaTemplate.parse(source, JinjaLimits.DEFAULT), withTools.map(s -> JinjaTemplate.parse(s, JinjaLimits.DEFAULT)),
                specialTokens);
    }

    public ChatPrompt render(ChatInput input) {
        return render(input, Clock.systemDefaultZone());
    }

    /**
     * @param clock today, for templates that tell the model the date
     * @throws JinjaException if the template raises, doesn't cope with this conversation, or exceeds its limits; or if the message to continue
     *     has no text or isn't in the template's output
     */
    public ChatPrompt render(ChatInput input, Clock clock) {
        Map<String, Object> variables = new HashMap<>();
        specialTokens.forEach((name, text) -> variables.put(name, new OwnText(text)));
        variables.put("documents", null);
        variables.putAll(input.arguments());
        List<Object> messages = new ArrayList<>();
        for (Map<String, Object> message : input.messages()) messages.add(withOwnRole(message));
        if (input.continueFinal()) messages.set(messages.size() - 1, markedFinal(input.messages().getLast()));
        variables.put("messages", messages);
        variables.put("tools", input.tools().isEmpty() ? null : input.tools());
        variables.put("add_generation_prompt", input.addGenerationPrompt());
        JinjaTemplate chosen = input.tools().isEmpty() ? template : withTools.orElse(template);
        RenderedText rendered = chosen.render(variables, clock);
        return new ChatPrompt(input.continueFinal() ? cut(rendered) : rendered);
    }

    private static Map<String, Object> withOwnRole(Map<String, Object> message) {
        if (!(message.get("role") instanceof String role) || !ROLES.contains(role)) return message;
        Map<String, Object> copy = new LinkedHashMap<>(message);
        copy.put("role", new OwnText(role));
        return copy;
    }

    private static Map<String, Object> markedFinal(Map<String, Object> message) {
        Map<String, Object> copy = new LinkedHashMap<>(withOwnRole(message));
        copy.put("content", switch (message.get("content")) {
            case String text -> text + HERE;
            case List<?> parts -> markedParts(parts);
            case null, default -> throw new JinjaException(JinjaException.Kind.TYPE, "the message to continue has no text");
        });
        return copy;
    }

    /** Marks the last part that has a text. */
    private static List<Object> markedParts(List<?> parts) {
        List<Object> copy = new ArrayList<>(parts);
        for (int i = copy.size() - 1; i >= 0; i--) {
            if (!(copy.get(i) instanceof Map<?, ?> part) || !(part.get("text") instanceof String text)) continue;
            Map<Object, Object> marked = new LinkedHashMap<>(part);
            marked.put("text", text + HERE);
            copy.set(i, marked);
            return copy;
        }
        throw new JinjaException(JinjaException.Kind.TYPE, "the message to continue has no text");
    }

    private static RenderedText cut(RenderedText rendered) {
        String mark = HERE.strip();
        String text = rendered.text();
        int at = text.lastIndexOf(mark);
        if (at < 0) throw new JinjaException(JinjaException.Kind.TYPE, "the template leaves out the message that is to be continued");
        if (text.startsWith(HERE, at)) return rendered.upTo(at);
        // the template trims its messages: so it would have trimmed the end of this one
        int end = at;
        while (end > 0 && Character.isWhitespace(text.charAt(end - 1))) end--;
        return rendered.upTo(end);
    }
}
