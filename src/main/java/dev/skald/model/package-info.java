/**
 * What a model is: its configuration, the {@link dev.skald.model.DecoderSpec} that an architecture comes down to, its packed weights, and the
 * {@link dev.skald.model.Decoder} that calls a device's operations in order. Built by the loader, then used by the engine thread alone.
 */
package dev.skald.model;
