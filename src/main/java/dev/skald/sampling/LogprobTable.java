package dev.skald.sampling;

/**
 * Log-probabilities of the tokens of one step, a row each: {@code [rows]} and, for the most likely ones, {@code [rows, maxTop]} f32 and int32,
 * row-major. Allocated once. Different threads may write different rows.
 */
public final class LogprobTable {
    private final int maxTop;
    private final float[] logprobs;
    private final int[] ranks;
    private final int[] topTokens;
    private final float[] topLogprobs;

    public LogprobTable(int rows, int maxTop) {
        this.maxTop = maxTop;
        logprobs = new float[rows];
        ranks = new int[rows];
        topTokens = new int[Math.multiplyExact(rows, maxTop)];
        topLogprobs = new float[rows * maxTop];
    }

    public int maxTop() {
        return maxTop;
    }

    /** Natural log-probability of the row's token. */
    public float logprob(int row) {
        return logprobs[row];
    }

    /** 1 = most likely; of equally likely tokens the one with the lowest id comes first. */
    public int rank(int row) {
        return ranks[row];
    }

    /** @param k 0 = most likely */
    public int topToken(int row, int k) {
        return topTokens[row * maxTop + k];
    }

    public float topLogprob(int row, int k) {
        return topLogprobs[row * maxTop + k];
    }

    void set(int row, float logprob, int rank) {
        logprobs[row] = logprob;
        ranks[row] = rank;
    }

    void setTop(int row, int k, int token, float logprob) {
        topTokens[row * maxTop + k] = token;
        topLogprobs[row * maxTop + k] = logprob;
    }
}
