/**
 * The command line: one file per command; parses, prints, exit codes. Nothing imports it. Everything runs on the thread that called
 * {@link dev.skald.cli.Cli#run}, but for what a command says otherwise.
 */
package dev.skald.cli;
