package dev.skald.cli;

import dev.skald.service.Prompt;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** `skald chat`: a conversation in the terminal, or one answer to a file of messages. */
@picocli.CommandLine.Command(description = "Talk with a model in the terminal; with --messages, one answer to a conversation from a file.")
final class ChatCommand implements dev.skald.cli.Command {
    @Spec
    CommandSpec spec;

    @Mixin
    CommonFlags common = new CommonFlags();

    @Mixin
    ModelFlags model = new ModelFlags();

    @Mixin
    SamplingFlags sampling = new SamplingFlags();

    @Option(names = "--system", paramLabel = "TEXT", description = "A system message before the conversation.")
    String system;

    @Option(names = "--messages", paramLabel = "FILE", description = "JSON list of messages to answer, without a terminal.")
    Path messages;

    @Option(names = "--json", arity = "0..1", fallbackValue = "true", description = "With --messages: print one JSON object per answer.")
    boolean json;

    private final Stdio stdio;

    ChatCommand(Stdio stdio) {
        this.stdio = stdio;
    }

    @Override
    public CommonFlags common() {
        return common;
    }

    @Override
    public int run() throws InterruptedException {
        if (json && messages == null) throw CliException.askedWrongly("--json needs --messages: a conversation in the terminal is for people");
        List<Prompt.Message> before = new ArrayList<>();
        if (system != null) before.add(Prompt.Message.of("system", system));
        if (messages != null) before.addAll(MessagesFile.messages(messages));
        try (ModelFlags.Opened opened = model.open(spec.commandLine().getParseResult(), stdio)) {
            if (messages != null) {
                Prompt.Chat chat = new Prompt.Chat(before, List.of(), Map.of(), false);
                return new AnswerPrinter(stdio, json, opened.loadNanos()).print(opened.inference(), Requests.of(chat, sampling));
            }
            return new Conversation(stdio, opened.inference(), sampling, before).run();
        }
    }
}
