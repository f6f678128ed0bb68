/**
 * Weights as files hold them: names, element types, shapes and bytes mapped read-only, every field of a file checked before it is believed.
 * Knows no device. Opened by the loader; immutable afterwards, readable by any thread until closed.
 */
package dev.skald.weights;
