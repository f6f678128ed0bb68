/**
 * Numbers into quantised blocks, rounded so that the squared error is small: a search over scales with least squares, the same bytes for any
 * number of threads. Knows no files and no models. Called by the loader or a command; a {@link dev.skald.quantize.Quantiser} belongs to one
 * thread and brings its own workers.
 */
package dev.skald.quantize;
