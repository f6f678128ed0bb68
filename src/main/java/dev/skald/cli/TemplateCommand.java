package dev.skald.cli;

import dev.skald.boot.ModelFolder;
import dev.skald.boot.ModelSource;
import dev.skald.text.ChatInput;
import dev.skald.text.ChatTemplate;
import dev.skald.text.ChatTemplateFile;
import dev.skald.text.jinja.JinjaException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** `skald template`: the prompt that a conversation becomes, byte for byte, nothing else. */
@picocli.CommandLine.Command(description = "Print the prompt that a conversation becomes, byte for byte.")
final class TemplateCommand implements dev.skald.cli.Command {
    @Mixin
    CommonFlags common = new CommonFlags();

    @Parameters(arity = "0..1", paramLabel = "MODEL", description = "A model folder in Hugging Face layout, a GGUF file or a packed file (default: the embedded skald-mini).")
    String model;

    @Option(names = "--template", paramLabel = "FILE", description = "A template instead of a model's.")
    Path template;

    @Option(names = "--messages", paramLabel = "FILE", description = "JSON list of messages.")
    Path messages;

    @Option(names = "--tools", paramLabel = "FILE", description = "JSON list of tools.")
    Path tools;

    @Option(names = "--bos-token", paramLabel = "S", description = "With --template: value of bos_token.")
    String bosToken;

    @Option(names = "--eos-token", paramLabel = "S", description = "With --template: value of eos_token.")
    String eosToken;

    @Option(names = "--no-generation-prompt", arity = "0..1", fallbackValue = "true", paramLabel = "BOOL",
            description = "Don't begin the assistant's turn.")
    boolean noGenerationPrompt;

    private final Stdio stdio;

    TemplateCommand(Stdio stdio) {
        this.stdio = stdio;
    }

    @Override
    public CommonFlags common() {
        return common;
    }

    @Override
    public int run() {
        if (messages == null) throw CliException.askedWrongly("--messages is needed");
        if (model != null && template != null) throw CliException.askedWrongly("either MODEL or --template, not both");
        if (template == null && (bosToken != null || eosToken != null)) {
            throw CliException.askedWrongly("--bos-token and --eos-token go with --template: a model has its own");
        }
        List<Object> given = tools == null ? List.of() : MessagesFile.tools(tools);
        ChatInput input = new ChatInput(MessagesFile.anyMessages(messages), given, Map.of(), !noGenerationPrompt, false);
        try {
            stdio.out().print(template().render(input).text());
        } catch (JinjaException e) {
            throw CliException.failed("the chat template refuses these messages: " + e.describe());
        }
        return stdio.out().checkError() ? ExitCode.FAILED : ExitCode.OK;
    }

    private ChatTemplate template() {
        if (template != null) {
            Map<String, String> tokens = new HashMap<>();
            if (bosToken != null) tokens.put("bos_token", bosToken);
            if (eosToken != null) tokens.put("eos_token", eosToken);
            return ChatTemplateFile.load(template, tokens);
        }
        Path found = ModelFolder.find(Optional.ofNullable(model));
        try (ModelSource source = ModelSource.open(found)) {
            return source.chatTemplate().orElseThrow(() -> CliException.failed(found + " has no chat template"));
        }
    }
}
