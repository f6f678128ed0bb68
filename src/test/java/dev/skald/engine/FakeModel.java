package dev.skald.engine;

import dev.skald.schedule.EngineRequest;
import dev.skald.schedule.FinishReason;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * A "model" whose next token is a hash of everything before it, the seed and the choice: whoever reads one wrong entry writes another text. A
 * seed also says which salt its request has, so that a block that crosses salts is seen.
 */
final class FakeModel {
    static final int VOCABULARY = 199;
    static final int EOS = 1;
    static final int SALTS = 3;

    private FakeModel() {}

    /** What is left of a choice in the end. */
    record Text(List<Integer> ids, FinishReason reason) {}

    static String salt(long seed) {
        return "salt " + seed % SALTS;
    }

    static long root(long seed) {
        return mix(seed % SALTS + 1);
    }

    static long next(long hash, int token) {
        return mix(hash * 31 + token + 1);
    }

    static long hash(long seed, int[] ids) {
        long hash = root(seed);
        for (int id : ids) hash = next(hash, id);
        return hash;
    }

    /** @param hash of all tokens before, @param generated how many of these were generated */
    static int sample(long hash, long seed, int choice, int generated, int minTokens, List<Integer> endIds) {
        for (long attempt = 0; ; attempt++) {
            long h = mix(hash ^ mix(seed * 1009 + choice * 101L + attempt * 7));
            int token = (h >>> 8 & 63) == 0 ? EOS : (int) Long.remainderUnsigned(h, VOCABULARY);
            if (generated >= minTokens || !endIds.contains(token)) return token;
        }
    }

    /** Whether this choice's row of logits is spoilt after so many generated tokens. */
    static boolean spoilt(long seed, int choice, int generated) {
        return seed % 53 == 7 && choice == 0 && generated == 3;
    }

    static float score(long hash, int target) {
        return -(mix(hash + target) >>> 40) / 1e5f;
    }

    /** Whether the "stop string" of some requests is complete with {@code last}. */
    static boolean stops(int beforeLast, int last) {
        return (beforeLast + last) % 23 == 5;
    }

    /** What a choice must say, from beginning to end, if nothing cuts it off. */
    static Text text(EngineRequest request, int choice, boolean stopString, int maxModelLength) {
        long hash = hash(request.seed(), request.prompt());
        List<Integer> endIds = Stream.concat(request.eosIds().stream(), request.stopIds().stream()).toList();
        int room = maxModelLength - request.prompt().length;
        int max = Math.min(request.maxTokens().orElse(room), room);
        List<Integer> ids = new ArrayList<>();
        while (ids.size() < max) {
            int token = sample(hash, request.seed(), choice, ids.size(), request.minTokens(), endIds);
            ids.add(token);
            hash = next(hash, token);
            if (request.eosIds().contains(token)) return new Text(ids, FinishReason.EOS);
            if (request.stopIds().contains(token)) return new Text(ids, FinishReason.STOP);
            if (stopString && ids.size() > 1 && stops(ids.get(ids.size() - 2), token)) return new Text(ids, FinishReason.STOP);
        }
        boolean context = request.maxTokens().isEmpty() || request.maxTokens().getAsInt() > room;
        return new Text(ids, context ? FinishReason.CONTEXT : FinishReason.LENGTH);
    }

    private static long mix(long x) {
        x = (x ^ x >>> 30) * 0xBF58476D1CE4E5B9L;
        x = (x ^ x >>> 27) * 0x94D049BB133111EBL;
        return x ^ x >>> 31;
    }
}
