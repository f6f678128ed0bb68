/**
 * From a model folder and options to a running engine: the one place where model, device, engine, text and service meet. Used by commands
 * that run a model themselves; everything here runs on the thread that starts and stops it.
 */
package dev.skald.boot;
