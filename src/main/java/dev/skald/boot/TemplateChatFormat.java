package dev.skald.boot;

import dev.skald.service.ChatFormat;
import dev.skald.service.InferenceException;
import dev.skald.service.Prompt;
import dev.skald.text.ChatInput;
import dev.skald.text.ChatPrompt;
import dev.skald.text.ChatTemplate;
import dev.skald.text.ChatTemplateFile;
import dev.skald.text.Tokenizer;
import dev.skald.text.jinja.JinjaException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/** A model's chat template and tokenizer as the service asks for them. Thread-safe. */
final class TemplateChatFormat implements ChatFormat {
    private final ChatTemplate template;
    private final Tokenizer tokenizer;

    private TemplateChatFormat(ChatTemplate template, Tokenizer tokenizer) {
        this.template = template;
        this.tokenizer = tokenizer;
    }

    /** @return empty if neither the options nor the model have a template */
    static Optional<ChatFormat> find(EngineOptions options, ModelSource source, Tokenizer tokenizer) {
        Optional<ChatTemplate> template = options.chatTemplate()
                .map(file -> ChatTemplateFile.load(file, source.specialTokens()))
                .or(source::chatTemplate);
        return template.map(t -> new TemplateChatFormat(t, tokenizer));
    }

    @Override
    public String render(Prompt.Chat chat) {
        return rendered(chat).text();
    }

    @Override
    public int[] encode(Prompt.Chat chat) {
        return tokenizer.encode(rendered(chat));
    }

    private ChatPrompt rendered(Prompt.Chat chat) {
        try {
            return template.render(new ChatInput(
                    chat.messages().stream().map(TemplateChatFormat::message).toList(),
                    chat.tools(),
                    chat.templateArgs(),
                    !chat.continueFinal(),
                    chat.continueFinal()));
        } catch (JinjaException e) {
            throw InferenceException.invalid("TEMPLATE_REFUSED", "messages", "the chat template refuses these messages: " + e.describe());
        } catch (IllegalArgumentException e) {
            throw InferenceException.invalid("INVALID_PARAMETER", "template_args_json", e.getMessage());
        }
    }

    private static Map<String, Object> message(Prompt.Message m) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("role", m.role());
        fields.put("content", m.content());
        m.name().ifPresent(name -> fields.put("name", name));
        m.reasoning().ifPresent(reasoning -> fields.put("reasoning_content", reasoning));
        if (!m.toolCalls().isEmpty()) fields.put("tool_calls", new ArrayList<>(m.toolCalls()));
        m.toolCallId().ifPresent(id -> fields.put("tool_call_id", id));
        return fields;
    }
}
