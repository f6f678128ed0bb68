/**
 * The CPU as a device: packed weights, a paged cache, kernels on the Vector API and the pool of threads they run on. Called by the engine
 * thread (while loading: by the loader), which is worker 0 of the pool; the other workers touch only what the operation at hand gave them.
 */
package dev.skald.compute.cpu;
