package dev.skald.compute.cpu;

import dev.skald.compute.BatchLimits;
import dev.skald.compute.HostStepOutput;
import dev.skald.sampling.Sampler;
import java.util.Arrays;

/** The sampling operations, a row of logits to a thread. Results land in the step's output, and last tokens in the slots. */
final class SamplingRows {
    private static final double ADJUST_NANOS_PER_TOKEN = 0.5;
    private static final double SAMPLE_NANOS_PER_TOKEN = 2;

    private final Ranges ranges;
    private final Step step;
    private final Sampler[] samplers;
    private final int vocabularySize;
    private final Ranges.Work adjust = this::adjust;
    private final Ranges.Work sample = this::sample;
    private final Ranges.Work logprobs = this::logprobs;

    private CpuBuffer logits;
    private CpuBuffer adjusted;
    private HostStepOutput output;

    /** @param none a buffer without rows */
    SamplingRows(Ranges ranges, Step step, int threads, BatchLimits limits, int vocabularySize, CpuBuffer none) {
        this.ranges = ranges;
        this.step = step;
        this.vocabularySize = vocabularySize;
        samplers = new Sampler[threads];
        Arrays.setAll(samplers, worker -> new Sampler(vocabularySize));
        logits = none;
        adjusted = none;
        output = new HostStepOutput(limits);
    }

    void adjust(CpuBuffer from, CpuBuffer to) {
        requireWidth(from);
        requireWidth(to);
        logits = from;
        adjusted = to;
        ranges.run(adjust, step.batch().rows(), ADJUST_NANOS_PER_TOKEN * vocabularySize);
    }

    void sample(CpuBuffer from, HostStepOutput to) {
        requireWidth(from);
        adjusted = from;
        output = to;
        ranges.run(sample, step.batch().rows(), SAMPLE_NANOS_PER_TOKEN * vocabularySize);
    }

    void topLogprobs(CpuBuffer from, HostStepOutput to) {
        requireWidth(from);
        logits = from;
        output = to;
        ranges.run(logprobs, step.batch().rows(), SAMPLE_NANOS_PER_TOKEN * vocabularySize);
    }

    private void adjust(int first, int end, int worker) {
        for (int r = first; r < end; r++) {
            step.slots.adjust(samplers[worker], step.batch(), r, logits.memory(), logits.offset(r), adjusted.memory(), adjusted.offset(r));
        }
    }

    private void sample(int first, int end, int worker) {
        for (int r = first; r < end; r++) {
            step.slots.sample(samplers[worker], step.batch(), r, adjusted.memory(), adjusted.offset(r), output);
        }
    }

    private void logprobs(int first, int end, int worker) {
        for (int r = first; r < end; r++) {
            step.slots.topLogprobs(samplers[worker], step.batch(), r, logits.memory(), logits.offset(r), output);
        }
    }

    private void requireWidth(CpuBuffer buffer) {
        if (buffer.cols() != vocabularySize) {
            throw new IllegalArgumentException("logits of " + buffer.cols() + " tokens, a vocabulary of " + vocabularySize);
        }
    }
}
