/**
 * Offline batches: a file of requests in, a file of answers out, each exactly once whatever happens in between. One thread, the one that
 * called {@link dev.skald.batch.BatchJob#run}, decides and writes; a reader brings windows of lines, answers come on the threads of
 * whoever gives them, and a third thread forces files to disk. src/docs/batch.md says what is durable when.
 */
package dev.skald.batch;
