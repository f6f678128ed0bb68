package dev.skald.compute;

import dev.skald.sampling.LogprobTable;

/** A step's results in arrays of the host, for devices that compute there. Different threads may write different rows. */
public final class HostStepOutput implements StepOutput {
    private final int[] tokens;
    private final LogprobTable logprobs;

    public HostStepOutput(BatchLimits limits) {
        tokens = new int[limits.maxLogitRows()];
        logprobs = new LogprobTable(limits.maxLogitRows(), limits.maxTopLogprobs());
    }

    /** @param token a token id, or a negative code of {@link dev.skald.sampling.Sampler} that makes the row invalid */
    public void setToken(int row, int token) {
        tokens[row] = token;
    }

    /** What the sampler writes log-probabilities to. */
    public LogprobTable logprobs() {
        return logprobs;
    }

    @Override
    public boolean invalid(int row) {
        return tokens[row] < 0;
    }

    @Override
    public int token(int row) {
        return tokens[row];
    }

    @Override
    public float logprob(int row) {
        return logprobs.logprob(row);
    }

    @Override
    public int rank(int row) {
        return logprobs.rank(row);
    }

    @Override
    public int topToken(int row, int k) {
        return logprobs.topToken(row, k);
    }

    @Override
    public float topLogprob(int row, int k) {
        return logprobs.topLogprob(row, k);
    }
}
