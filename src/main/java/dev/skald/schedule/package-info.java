/**
 * What runs next: sequences, their blocks, the plan of each step, under named limits. No threads, no clock, no tensors: time comes in as an
 * argument. Owned by the engine thread.
 */
package dev.skald.schedule;
