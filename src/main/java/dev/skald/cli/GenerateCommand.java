package dev.skald.cli;

import dev.skald.service.InferenceRequest;
import dev.skald.service.Prompt;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** `skald generate`: continues one prompt. */
@Command(description = "Continue a prompt. The text comes as it is generated; --json prints one object per answer at its end.")
final class GenerateCommand implements dev.skald.cli.Command {
    @Spec
    CommandSpec spec;

    @Mixin
    CommonFlags common = new CommonFlags();

    @Mixin
    ModelFlags model = new ModelFlags();

    @Mixin
    SamplingFlags sampling = new SamplingFlags();

    @Option(names = "--prompt", paramLabel = "TEXT", description = "The text to continue. Special tokens in it are parsed.")
    String prompt;

    @Option(names = "--prompt-file", paramLabel = "FILE", description = "The same from a file, byte for byte; - is standard input.")
    Path promptFile;

    @Option(names = "--prompt-ids", paramLabel = "IDS", converter = Converters.Ids.class, description = "Token ids, separated by commas.")
    List<Converters.IdList> promptIds;

    @Option(names = "--json", arity = "0..1", fallbackValue = "true", hideParamSyntax = true, description = "Print one JSON object per answer.")
    boolean json;

    private final Stdio stdio;

    GenerateCommand(Stdio stdio) {
        this.stdio = stdio;
    }

    @Override
    public CommonFlags common() {
        return common;
    }

    @Override
    public int run() throws InterruptedException {
        InferenceRequest request = Requests.of(prompt(), sampling);
        try (ModelFlags.Opened opened = model.open(spec.commandLine().getParseResult(), stdio)) {
            return new AnswerPrinter(stdio, json, opened.loadNanos()).print(opened.inference(), request);
        }
    }

    private Prompt prompt() {
        if (Stream.of(prompt, promptFile, promptIds).filter(p -> p != null).count() != 1) {
            throw CliException.askedWrongly("exactly one of --prompt, --prompt-file and --prompt-ids is needed");
        }
        if (promptIds != null) return new Prompt.TokenIds(SamplingFlags.flat(promptIds));
        return new Prompt.Text(prompt != null ? prompt : TextFiles.readText(promptFile, stdio.in()));
    }
}
