/**
 * What {@code bench} and {@code load} measure, and the machine's own limits that results are compared with. Measures through public doors only:
 * the engine's submitting call and {@link dev.skald.service.Inference}. A measurement belongs to the thread that asked for it.
 */
package dev.skald.bench;
