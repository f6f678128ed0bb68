/** What a tensor is: element types, shapes, host tensors, device buffers; no arithmetic. Immutable, any thread. */
package dev.skald.tensor;
