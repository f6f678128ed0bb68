/**
 * What a machine with a card runs once: whether every kernel computes rightly there, and how fast. Each part runs in a process of its own, on that
 * process's main thread, so that a part that hangs or takes the card with it ends alone; {@link dev.skald.gpucheck.GpuCheck} starts them one after the other.
 */
package dev.skald.gpucheck;
