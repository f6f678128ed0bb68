package dev.skald.cli;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import dev.skald.boot.ModelFolder;
import dev.skald.boot.ModelSource;
import dev.skald.text.Tokenizer;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** `skald tokenize`: texts to token ids, one line each. */
@Command(description = "Print the token ids of texts, one line for each: separated by commas, or with --json {\"ids\":[…],\"pieces\":[…]}.")
final class TokenizeCommand implements dev.skald.cli.Command {
    @Mixin
    CommonFlags common = new CommonFlags();

    @Option(names = "--model", paramLabel = "MODEL", description = "A model folder, a GGUF file, a packed file, or a tokenizer.json (default: the embedded skald-mini).")
    String model;

    @Parameters(arity = "0..*", paramLabel = "TEXT", description = "Texts. Special tokens in them are parsed.")
    List<String> texts = List.of();

    @Option(names = "--text-file", paramLabel = "FILE", split = FlagSources.SEPARATOR,
            description = "A file is one text, byte for byte; - is standard input. Repeatable.")
    List<Path> textFiles = List.of();

    @Option(names = "--no-special", arity = "0..1", fallbackValue = "true", paramLabel = "BOOL",
            description = "Without the tokens that the model expects around a text.")
    boolean noSpecial;

    @Option(names = "--json", arity = "0..1", fallbackValue = "true", paramLabel = "BOOL", description = "Print one JSON object per text.")
    boolean json;

    private final Stdio stdio;

    TokenizeCommand(Stdio stdio) {
        this.stdio = stdio;
    }

    @Override
    public CommonFlags common() {
        return common;
    }

    @Override
    public int run() {
        if (texts.isEmpty() == textFiles.isEmpty()) throw CliException.askedWrongly("either TEXT or --text-file is needed");
        List<String> all = texts.isEmpty() ? textFiles.stream().map(f -> TextFiles.readText(f, stdio.in())).toList() : texts;
        Tokenizer tokenizer = tokenizer();
        for (String text : all) {
            int[] ids = tokenizer.encode(text, !noSpecial);
            stdio.out().println(json ? line(tokenizer, ids) : Arrays.stream(ids).mapToObj(String::valueOf).collect(Collectors.joining(",")));
        }
        return stdio.out().checkError() ? ExitCode.FAILED : ExitCode.OK;
    }

    /** A tokenizer can do without the rest of a model. */
    private Tokenizer tokenizer() {
        Path path = model == null ? ModelFolder.find(Optional.empty()) : Path.of(model);
        boolean itself = path.endsWith("tokenizer.json") || Files.exists(path.resolve("tokenizer.json")) || Files.exists(path.resolve("tokenizer.model"));
        try (ModelSource source = ModelSource.open(itself ? path : ModelFolder.find(Optional.of(path.toString())))) {
            return source.tokenizer();
        }
    }

    private static String line(Tokenizer tokenizer, int[] ids) {
        StringWriter text = new StringWriter();
        try (JsonGenerator out = new JsonFactory().createGenerator(text)) {
            out.writeStartObject();
            out.writeFieldName("ids");
            out.writeArray(ids, 0, ids.length);
            out.writeArrayFieldStart("pieces");
            for (int id : ids) out.writeString(tokenizer.piece(id));
            out.writeEndArray();
            out.writeEndObject();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return text.toString();
    }
}
