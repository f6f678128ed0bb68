package dev.skald;

import dev.skald.cli.Cli;

/** The program's entry; everything it knows is which package reads the command line. */
public final class Skald {
    private Skald() {}

    public static void main(String[] args) {
        System.exit(Cli.runProcess(args));
    }
}
