/** The program: {@code main} hands over to {@code cli}. Runs on the main thread. */
package dev.skald;
