package dev.skald.cli;

import dev.skald.service.InferenceException;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Optional;
import org.jline.reader.EOFError;
import org.jline.reader.EndOfFileException;
import org.jline.reader.LineReader;
import org.jline.reader.LineReaderBuilder;
import org.jline.reader.ParsedLine;
import org.jline.reader.Parser;
import org.jline.reader.UserInterruptException;
import org.jline.reader.impl.DefaultParser;
import org.jline.terminal.Terminal;
import org.jline.terminal.TerminalBuilder;

/** A conversation in a terminal: line editing, history, several lines, Ctrl-C for an answer, Ctrl-D for the end. */
final class ChatTerminal {
    private static final String PROMPT = "> ";
    private static final String HELP = """
            A line that ends with a backslash goes on in the next one; pasted lines stay together.
            Ctrl-C stops the answer, Ctrl-D ends, arrow up brings earlier lines back.
              /reset   forget the conversation
              /help    this
              /quit    the end""";

    private final Conversation conversation;
    private final Stdio stdio;

    ChatTerminal(Conversation conversation, Stdio stdio) {
        this.conversation = conversation;
        this.stdio = stdio;
    }

    /** @return an {@link ExitCode} @throws CliException if the terminal can't be used */
    int run() throws InterruptedException {
        try (Terminal terminal = TerminalBuilder.builder().system(true).encoding(StandardCharsets.UTF_8).build()) {
            LineReader reader = reader(terminal, ChatHistory.file(stdio.env()));
            terminal.writer().println(conversation.modelName() + " listens. /help says how to talk; Ctrl-D ends.");
            terminal.handle(Terminal.Signal.INT, signal -> conversation.stop());
            while (true) {
                Optional<String> line = read(reader);
                if (line.isEmpty()) return ExitCode.OK;
                if (!obey(line.get().strip(), terminal.writer())) return ExitCode.OK;
            }
        } catch (IOException e) {
            throw CliException.failed("can't use the terminal: " + TextFiles.why(e));
        }
    }

    private static LineReader reader(Terminal terminal, Optional<Path> history) {
        LineReaderBuilder builder = LineReaderBuilder.builder()
                .appName("skald")
                .terminal(terminal)
                .parser(new ContinuedLines())
                .variable(LineReader.SECONDARY_PROMPT_PATTERN, "… ")
                // "!" is text, not a command to the line editor.
                .option(LineReader.Option.DISABLE_EVENT_EXPANSION, true)
                .option(LineReader.Option.HISTORY_IGNORE_SPACE, false);
        history.ifPresent(file -> builder.variable(LineReader.HISTORY_FILE, file));
        return builder.build();
    }

    /** @return the next turn; empty at the end */
    private static Optional<String> read(LineReader reader) {
        while (true) {
            try {
                return Optional.of(ContinuedLines.join(reader.readLine(PROMPT)));
            } catch (UserInterruptException e) {
                // Ctrl-C while typing only throws the line away.
            } catch (EndOfFileException e) {
                return Optional.empty();
            }
        }
    }

    /** @return whether to go on */
    private boolean obey(String line, PrintWriter out) throws InterruptedException {
        switch (line) {
            case "" -> {}
            case "/help" -> out.println(HELP);
            case "/quit", "/exit", "/bye" -> {
                return false;
            }
            case "/reset" -> {
                conversation.reset();
                out.println("(forgotten)");
            }
            default -> {
                if (line.matches("/[a-z]+")) out.println("(no command " + line + "; /help lists them)");
                else answer(line, out);
            }
        }
        out.flush();
        return true;
    }

    private void answer(String question, PrintWriter out) throws InterruptedException {
        try {
            Optional<Answer> whole = conversation.ask(question, text -> {
                out.print(text);
                out.flush();
            });
            out.println(whole.isPresent() ? "" : " (stopped)");
        } catch (InferenceException e) {
            out.println("(" + e.getMessage() + (e.reason().equals("PROMPT_TOO_LONG") ? "; /reset begins anew" : "") + ")");
        }
    }

    /** A line with a backslash at its end is not over. Nothing else has a meaning: what people write is no shell. */
    static final class ContinuedLines implements Parser {
        private final DefaultParser words = new DefaultParser().quoteChars(new char[0]).escapeChars(new char[0]);

        @Override
        public ParsedLine parse(String line, int cursor, ParseContext context) {
            if (context == ParseContext.ACCEPT_LINE && line.endsWith("\\")) throw new EOFError(-1, -1, "the line goes on");
            return words.parse(line, cursor, context);
        }

        static String join(String line) {
            return line.replace("\\\n", "\n");
        }
    }
}
