package dev.skald.cli;

import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.logging.SimpleFormatter;

/** Sends java.util.logging (and with it slf4j) to stderr, one line a record, a stack trace after it only where a record carries one. */
final class Logs {
    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("HH:mm:ss.SSS").withZone(ZoneId.systemDefault());

    private Logs() {}

    /** Replaces all handlers of the root logger. */
    static void configure(LogLevel level, PrintStream err) {
        Logger root = Logger.getLogger("");
        for (Handler handler : root.getHandlers()) root.removeHandler(handler);
        Handler handler = new StderrHandler(err);
        handler.setLevel(level.jul());
        root.addHandler(handler);
        root.setLevel(level.jul());
        // The network stack's own debug output drowns ours; whoever needs it asks for trace.
        Level libraries = level == LogLevel.trace ? Level.FINE : level == LogLevel.error ? Level.SEVERE : Level.WARNING;
        for (String name : LIBRARIES) {
            Logger library = Logger.getLogger(name);
            library.setLevel(libraries);
            KEPT.add(library);
        }
        // What it warns of, a stack trace in one line, is told in a sentence where a call fails of it.
        Logger channels = Logger.getLogger("io.grpc.internal.ManagedChannelImpl");
        if (level != LogLevel.trace) channels.setLevel(Level.SEVERE);
        KEPT.add(channels);
    }

    private static final java.util.List<String> LIBRARIES = java.util.List.of("io.netty", "io.grpc", "ai.djl", "org.jline");
    /** A logger that nobody refers to is collected, and its level with it. */
    private static final java.util.Set<Logger> KEPT = java.util.concurrent.ConcurrentHashMap.newKeySet();

    static String line(LogRecord record) {
        String name = record.getLoggerName() == null ? "" : record.getLoggerName();
        StringBuilder text = new StringBuilder()
                .append(TIME.format(record.getInstant()))
                .append(' ')
                .append(levelName(record.getLevel()))
                .append(' ')
                .append(name.substring(name.lastIndexOf('.') + 1))
                .append(": ")
                .append(new SimpleFormatter().formatMessage(record).replace("\n", "\\n").replace("\r", "\\r"));
        if (record.getThrown() != null) {
            StringWriter trace = new StringWriter();
            record.getThrown().printStackTrace(new PrintWriter(trace));
            text.append('\n').append(trace.toString().stripTrailing());
        }
        return text.toString();
    }

    private static String levelName(Level level) {
        int value = level.intValue();
        if (value >= Level.SEVERE.intValue()) return "ERROR";
        if (value >= Level.WARNING.intValue()) return "WARN ";
        if (value >= Level.INFO.intValue()) return "INFO ";
        return value >= Level.FINE.intValue() ? "DEBUG" : "TRACE";
    }

    private static final class StderrHandler extends Handler {
        private final PrintStream err;

        StderrHandler(PrintStream err) {
            this.err = err;
        }

        @Override
        public void publish(LogRecord record) {
            if (isLoggable(record)) err.println(line(record));
        }

        @Override
        public void flush() {
            err.flush();
        }

        @Override
        public void close() {
            flush();
        }
    }
}
