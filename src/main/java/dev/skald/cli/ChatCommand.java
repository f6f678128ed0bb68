package dev.skald.cli;

import dev.skald.service.Inference;
import dev.skald.service.Prompt;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** `skald chat`: a conversation in the terminal, or one answer to a conversation in a file. */
@Command(description = "Talk with a model. In a terminal: a line that ends with a backslash goes on in the next, Ctrl-C stops an answer, Ctrl-D"
        + " ends, /help lists commands. Without one: each line of standard input is a turn.")
final class ChatCommand implements dev.skald.cli.Command {
    @Spec
    CommandSpec spec;

    @Option(names = "--system", paramLabel = "TEXT", description = "A system message before everything else.")
    String system;

    @Option(names = "--messages", paramLabel = "FILE", description = "Answer this conversation, a JSON list of {\"role\",\"content\"}, and exit.")
    Path messages;

    @Option(names = "--json", arity = "0..1", fallbackValue = "true", hideParamSyntax = true, description = "Print one JSON object per answer.")
    boolean json;

    @Mixin
    ModelFlags model = new ModelFlags();

    @Mixin
    SamplingFlags sampling = new SamplingFlags();

    @Mixin
    CommonFlags common = new CommonFlags();

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
        List<Prompt.Message> first = new ArrayList<>();
        if (system != null) first.add(Prompt.Message.of("system", system));
        if (messages != null) {
            first.addAll(MessagesFile.messages(messages));
            return answerOnce(first);
        }
        boolean terminal = stdio.isTerminal();
        if (sampling.choices != 1) throw CliException.askedWrongly("--n needs --messages: a conversation goes on from one answer");
        if (json && terminal) throw CliException.askedWrongly("--json needs --messages, or turns on standard input");
        // Wrong parameters are told before a model is loaded for them.
        Requests.of(prompt(List.of(Prompt.Message.of("user", "-"))), sampling);
        try (ModelFlags.Opened opened = model.open(spec.commandLine().getParseResult(), stdio)) {
            requireTemplate(opened.inference());
            Conversation conversation = new Conversation(opened.inference(), sampling, first);
            if (terminal) return new ChatTerminal(conversation, stdio).run();
            return new ChatLines(conversation, stdio, json, opened.loadNanos()).run();
        }
    }

    private int answerOnce(List<Prompt.Message> all) throws InterruptedException {
        var request = Requests.of(prompt(all), sampling);
        try (ModelFlags.Opened opened = model.open(spec.commandLine().getParseResult(), stdio)) {
            return new AnswerPrinter(stdio, json, opened.loadNanos()).print(opened.inference(), request);
        }
    }

    /** A conversation that ends with the assistant's words is one to be continued. */
    static Prompt.Chat prompt(List<Prompt.Message> messages) {
        boolean continues = messages.getLast().role().equals("assistant");
        return new Prompt.Chat(messages, List.of(), Map.of(), continues);
    }

    private static void requireTemplate(Inference inference) {
        if (inference.model().hasTemplate()) return;
        throw CliException.failed(inference.model().name()
                + " has no chat template, so it can't chat: `skald generate` continues a text, --chat-template FILE brings a template");
    }
}
