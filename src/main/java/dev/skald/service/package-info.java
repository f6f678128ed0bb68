/**
 * One request in the text domain, the same for every door: template, tokens, engine, text. The interface, its records, and the local
 * implementation, whose text workers own a request's decoding from start to end.
 */
package dev.skald.service;
