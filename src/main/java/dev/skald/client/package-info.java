/**
 * The client of our own API: an {@code Inference} somewhere else. Events arrive on the channel's threads, one request's never two at once;
 * everything else may be called from any thread.
 */
package dev.skald.client;
