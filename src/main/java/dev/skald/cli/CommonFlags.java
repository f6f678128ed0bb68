package dev.skald.cli;

import java.nio.file.Path;
import picocli.CommandLine.Option;

/** What every command understands. */
final class CommonFlags {
    @Option(names = {"-h", "--help"}, usageHelp = true, description = "Print this help and exit.")
    boolean help;

    @Option(names = {"-V", "--version"}, versionHelp = true, description = "Print the version and exit.")
    boolean version;

    @Option(names = "--log-level", paramLabel = "LEVEL", description = "How much to log on stderr: error, warn, info, debug, trace (default: info).")
    LogLevel logLevel = LogLevel.info;

    /** Read by {@link FlagSources} before anything is parsed. */
    @Option(names = "--config", paramLabel = "FILE", description = "JSON object of flags, their names as keys. A flag, or SKALD__<FLAG> in the environment, outranks it.")
    Path config;
}
