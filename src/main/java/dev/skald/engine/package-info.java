/**
 * The engine: one thread that takes commands, plans a step, has it executed, and sends token events out. Knows token ids, never text.
 * Everything but {@link dev.skald.engine.RequestHandle} and the submitting calls belongs to the engine thread.
 */
package dev.skald.engine;
