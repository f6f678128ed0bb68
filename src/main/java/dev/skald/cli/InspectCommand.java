package dev.skald.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.skald.boot.ModelFolder;
import dev.skald.boot.ModelReport;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** `skald inspect`: what a model is, without running it. */
@picocli.CommandLine.Command(description = "Say what a model is, and whether it can be served.")
final class InspectCommand implements dev.skald.cli.Command {
    @Mixin
    CommonFlags common = new CommonFlags();

    @Parameters(arity = "0..1", paramLabel = "MODEL", description = "A model folder in Hugging Face layout, a GGUF file or a packed file (default: the embedded skald-mini).")
    String model;

    @Option(names = "--json", arity = "0..1", fallbackValue = "true", paramLabel = "BOOL", description = "Print one JSON object.")
    boolean json;

    private final Stdio stdio;

    InspectCommand(Stdio stdio) {
        this.stdio = stdio;
    }

    @Override
    public CommonFlags common() {
        return common;
    }

    @Override
    public int run() {
        Map<String, Object> fields = ModelReport.of(ModelFolder.find(Optional.ofNullable(model)));
        try {
            if (json) stdio.out().println(new ObjectMapper().writeValueAsString(fields));
            else fields.forEach((name, value) -> stdio.out().printf("%-20s %s%n", name, value));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
        return ExitCode.OK;
    }
}
