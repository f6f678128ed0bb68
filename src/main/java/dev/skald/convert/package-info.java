/**
 * Writes models as files: another format, another element type, or made of random numbers. Everything streams, tensor by tensor. Belongs to the
 * command that calls it.
 */
package dev.skald.convert;
