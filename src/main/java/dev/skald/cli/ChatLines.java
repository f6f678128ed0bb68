package dev.skald.cli;

import dev.skald.service.InferenceException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/** A conversation without a terminal: each line that comes in is a turn, each answer ends with a line break, or is a JSON line. */
final class ChatLines {
    private final Conversation conversation;
    private final Stdio stdio;
    private final boolean json;
    private final long loadNanos;

    ChatLines(Conversation conversation, Stdio stdio, boolean json, long loadNanos) {
        this.conversation = conversation;
        this.stdio = stdio;
        this.json = json;
        this.loadNanos = loadNanos;
    }

    /** @return an {@link ExitCode}: failed if any turn was @throws CliException if the input can't be read */
    int run() throws InterruptedException {
        int code = ExitCode.OK;
        BufferedReader lines = new BufferedReader(new InputStreamReader(stdio.in(), StandardCharsets.UTF_8));
        try {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                StringBuilder turn = new StringBuilder(line);
                while (turn.length() > 0 && turn.charAt(turn.length() - 1) == '\\') {
                    String more = lines.readLine();
                    turn.setLength(turn.length() - 1);
                    if (more == null) break;
                    turn.append('\n').append(more);
                }
                if (!turn.toString().isBlank() && !answer(turn.toString())) code = ExitCode.FAILED;
                if (stdio.out().checkError()) return ExitCode.FAILED;
            }
        } catch (IOException e) {
            throw CliException.failed("can't read standard input: " + TextFiles.why(e));
        }
        return code;
    }

    private boolean answer(String turn) throws InterruptedException {
        try {
            Optional<Answer> answer = conversation.ask(turn, text -> {
                if (json) return;
                stdio.out().print(text);
                stdio.out().flush();
            });
            stdio.out().println(json ? AnswerJson.line(answer.orElseThrow(), 0, conversation.wantsLogprobs(), loadNanos) : "");
            return true;
        } catch (InferenceException e) {
            stdio.err().println("skald: " + e.getMessage());
            return false;
        }
    }
}
