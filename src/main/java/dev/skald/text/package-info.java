/**
 * Text and tokens: the tokenizer of a model folder, decoding and stop strings on a stream, and the folder's chat template. A {@link
 * dev.skald.text.Tokenizer} and a {@link dev.skald.text.ChatTemplate} belong to nobody and are safe everywhere; the stateful objects of one
 * sequence belong to the text worker that serves it.
 */
package dev.skald.text;
