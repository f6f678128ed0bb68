package dev.skald.batch;

import dev.skald.openai.Defaults;
import java.nio.file.Path;
import java.util.Optional;

/**
 * A job.
 *
 * @param input       a file, gzipped or not; empty: standard input
 * @param output      takes the answers; what else is needed lies beside it
 * @param shard       which part of the input
 * @param defaults    for what a line leaves open
 * @param seed        of lines that have none: each gets one of this and its custom_id
 * @param run         how to go about it
 * @param force       go on though the input, the model or a flag has changed
 * @param retryErrors forget the error file, and try its lines once more
 */
public record BatchPlan(
        Optional<Path> input, Path output, Shard shard, Defaults defaults, long seed, RunSettings run, boolean force, boolean retryErrors) {}
