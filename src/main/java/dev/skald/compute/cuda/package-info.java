/**
 * Runs models on an NVIDIA GPU, by JCuda, cuBLAS and the kernels of native/cuda; the only home of {@code jcuda.*}. Belongs to the thread that
 * runs the step (while loading: the loader); a CUDA context is current per thread, so it is made current whenever that thread changes.
 */
package dev.skald.compute.cuda;
