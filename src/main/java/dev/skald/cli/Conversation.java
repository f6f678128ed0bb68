package dev.skald.cli;

import dev.skald.service.Inference;
import dev.skald.service.InferenceEvent;
import dev.skald.service.InferenceException;
import dev.skald.service.Prompt;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jline.reader.EndOfFileException;
import org.jline.reader.LineReader;
import org.jline.reader.LineReaderBuilder;
import org.jline.reader.UserInterruptException;
import org.jline.terminal.Terminal;
import org.jline.terminal.TerminalBuilder;

/**
 * The conversation of `skald chat`. Lines are kept in memory only. A line that ends with a backslash goes on in the next one. Ctrl-C stops
 * the answer, or clears the line; Ctrl-D ends.
 */
final class Conversation {
    private static final String HELP = "/reset starts over, /exit or Ctrl-D ends, Ctrl-C stops an answer, a line that ends with \\ goes on in the next one";

    private final Stdio stdio;
    private final Inference inference;
    private final SamplingFlags sampling;
    private final List<Prompt.Message> beginning;
    private final List<Prompt.Message> history = new ArrayList<>();

    /** @param beginning messages before the first turn, kept by /reset */
    Conversation(Stdio stdio, Inference inference, SamplingFlags sampling, List<Prompt.Message> beginning) {
        this.stdio = stdio;
        this.inference = inference;
        this.sampling = sampling;
        this.beginning = List.copyOf(beginning);
        history.addAll(beginning);
    }

    int run() throws InterruptedException {
        try (Terminal terminal = TerminalBuilder.builder().system(true).dumb(true).encoding("UTF-8").build()) {
            LineReader reader = LineReaderBuilder.builder().terminal(terminal).appName("skald").build();
            reader.option(LineReader.Option.DISABLE_EVENT_EXPANSION, true);
            terminal.writer().println(HELP);
            terminal.flush();
            while (true) {
                String said;
                try {
                    said = read(reader);
                } catch (UserInterruptException e) {
                    continue;
                } catch (EndOfFileException e) {
                    return ExitCode.OK;
                }
                switch (said.strip()) {
                    case "" -> {}
                    case "/exit", "/quit" -> {
                        return ExitCode.OK;
                    }
                    case "/help" -> terminal.writer().println(HELP);
                    case "/reset" -> {
                        history.clear();
                        history.addAll(beginning);
                    }
                    default -> answer(terminal, said);
                }
                terminal.flush();
            }
        } catch (IOException e) {
            throw CliException.failed("no terminal: " + e.getMessage());
        }
    }

    private static String read(LineReader reader) {
        StringBuilder said = new StringBuilder();
        String line = reader.readLine("> ");
        while (line.endsWith("\\")) {
            said.append(line, 0, line.length() - 1).append('\n');
            line = reader.readLine("  ");
        }
        return said.append(line).toString();
    }

    private void answer(Terminal terminal, String said) throws InterruptedException {
        history.add(Prompt.Message.of("user", said));
        Prompt.Chat chat = new Prompt.Chat(history, List.of(), Map.of(), false);
        StringBuilder text = new StringBuilder();
        AnswerStream events = AnswerStream.start(inference, Requests.of(chat, sampling));
        Terminal.SignalHandler before = terminal.handle(Terminal.Signal.INT, signal -> events.cancel());
        try {
            Answer answer = new Answer(1);
            for (boolean last = false; !last; ) {
                InferenceEvent event = events.next();
                last = answer.take(event);
                if (event instanceof InferenceEvent.Delta delta) {
                    text.append(delta.text());
                    terminal.writer().print(delta.text());
                    terminal.flush();
                }
            }
        } catch (InferenceException e) {
            if (e.kind() == InferenceException.Kind.CANCELLED) {
                terminal.writer().print(" …");
            } else {
                history.removeLast();
                stdio.err().println("skald: " + e.getMessage());
                return;
            }
        } finally {
            terminal.handle(Terminal.Signal.INT, before);
            terminal.writer().println();
            terminal.flush();
        }
        history.add(Prompt.Message.of("assistant", text.toString()));
    }
}
