package dev.skald.service;

/**
 * Two questions an orchestrator asks.
 *
 * @param ready takes requests: false while loading, draining, or not alive
 * @param alive false only when stuck, its device lost, or an invariant broken: restart it
 */
public record Health(boolean ready, boolean alive) {
    public static final Health LOADING = new Health(false, true);
    public static final Health SERVING = new Health(true, true);
    public static final Health DEAD = new Health(false, false);

    public Health {
        if (ready && !alive) throw new IllegalArgumentException("what is not alive cannot be ready");
    }
}
