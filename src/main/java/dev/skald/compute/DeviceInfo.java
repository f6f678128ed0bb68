package dev.skald.compute;

/**
 * What runs the model, for people and for the fingerprint.
 *
 * @param backend "reference", "cpu" or "cuda"
 * @param name    the processor's own name
 * @param isa     instruction set of the kernels in use, e.g. "avx512", "java-vector-512"
 * @param threads compute threads
 * @param why     one sentence: why this device and these kernels
 */
public record DeviceInfo(String backend, String name, String isa, int threads, String why) {}
