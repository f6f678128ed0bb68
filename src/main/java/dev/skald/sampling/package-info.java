/**
 * The sampler's definition: parameters, order of filters, integer weights, random numbers, log-probabilities. Pure functions and
 * per-slot state on host memory; devices either call it or are tested against it. State belongs to the thread that runs the step.
 */
package dev.skald.sampling;
