package dev.skald.cli;

/** One command: its fields are its flags, filled by picocli before {@link #run}. */
interface Command {
    CommonFlags common();

    /**
     * @return an {@link ExitCode}
     * @throws CliException with a sentence for the user
     * @throws dev.skald.service.InferenceException where a model refuses
     * @throws InterruptedException if the program is told to end
     */
    int run() throws InterruptedException;
}
