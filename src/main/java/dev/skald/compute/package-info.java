/**
 * The contract between a model and the device that runs it: devices, their memory, the batch of a step and the operations on it. Knows
 * neither model nor schedule. Everything here is called by the engine thread (while loading: by the loader) and by no other.
 */
package dev.skald.compute;
