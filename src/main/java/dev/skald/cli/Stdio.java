package dev.skald.cli;

import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/**
 * What a command sees of its process. Text is UTF-8 whatever the locale says.
 *
 * @param out results, nothing else
 * @param err everything else
 * @param in  standard input
 * @param env the environment
 */
record Stdio(PrintStream out, PrintStream err, InputStream in, Map<String, String> env) {
    Stdio {
        env = Map.copyOf(env);
    }

    /** Whether somebody sits before it: both ends are a terminal, and they are the process's own. */
    boolean isTerminal() {
        return in instanceof ProcessInput && System.console() != null && System.console().isTerminal();
    }

    /** Marks the process's own standard input. */
    private static final class ProcessInput extends FileInputStream {
        ProcessInput() {
            super(FileDescriptor.in);
        }
    }

    /** The real ones; also what {@link System#out} and {@link System#err} are from here on. */
    static Stdio ofProcess() {
        PrintStream out = new PrintStream(new FileOutputStream(FileDescriptor.out), false, StandardCharsets.UTF_8);
        PrintStream err = new PrintStream(new FileOutputStream(FileDescriptor.err), true, StandardCharsets.UTF_8);
        System.setOut(out);
        System.setErr(err);
        return new Stdio(out, err, new ProcessInput(), System.getenv());
    }
}
