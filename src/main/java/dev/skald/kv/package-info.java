/**
 * Which block of the KV cache holds which tokens: reference counts, block tables and the index of cached prefixes. Integers only; the keys and
 * values themselves live in a device. Owned by the engine thread.
 */
package dev.skald.kv;
