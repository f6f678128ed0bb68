package dev.skald.bench;

import java.util.OptionalDouble;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/** For kernels in Java: the most f32 multiply-adds that all threads do together: independent vector chains in registers, no memory. */
final class FmaPeak {
    private static final String VECTOR_MODULE = "jdk.incubator.vector";
    private static final int CHAINS = 12;
    private static final int ROUNDS = 20_000;
    private static final int CALLS = 200;
    private static final int PASSES = 5;

    private FmaPeak() {}

    /** @return 10⁹ multiply-adds per second; empty where this JVM runs without the Vector API */
    static OptionalDouble measure(int threads) throws InterruptedException {
        if (ModuleLayer.boot().findModule(VECTOR_MODULE).isEmpty()) return OptionalDouble.empty();
        Samples rates = new Samples();
        for (int pass = 0; pass <= PASSES; pass++) {
            long nanos = Threads.time(threads, Chains::run);
            double fmas = (double) threads * CALLS * ROUNDS * CHAINS * Chains.SPECIES.length();
            if (pass > 0) rates.add(fmas / nanos);
        }
        return rates.median();
    }

    /** Apart, so that the Vector API is touched only where it is there. */
    private static final class Chains {
        static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;

        static long run(int thread) {
            float sum = 0;
            for (int call = 0; call < CALLS; call++) sum += chains(1 + thread);
            return (long) sum;
        }

        /** Twelve chains cover the latency of two fma units (4 to 5 cycles) and fit sixteen registers. The values stay near 2. */
        private static float chains(float start) {
            FloatVector m = FloatVector.broadcast(SPECIES, 0.5f);
            FloatVector one = FloatVector.broadcast(SPECIES, 1f);
            FloatVector a = FloatVector.broadcast(SPECIES, start);
            FloatVector b = a.add(one);
            FloatVector c = b.add(one);
            FloatVector d = c.add(one);
            FloatVector e = d.add(one);
            FloatVector f = e.add(one);
            FloatVector g = f.add(one);
            FloatVector h = g.add(one);
            FloatVector i = h.add(one);
            FloatVector j = i.add(one);
            FloatVector k = j.add(one);
            FloatVector l = k.add(one);
            for (int round = 0; round < ROUNDS; round++) {
                a = a.fma(m, one);
                b = b.fma(m, one);
                c = c.fma(m, one);
                d = d.fma(m, one);
                e = e.fma(m, one);
                f = f.fma(m, one);
                g = g.fma(m, one);
                h = h.fma(m, one);
                i = i.fma(m, one);
                j = j.fma(m, one);
                k = k.fma(m, one);
                l = l.fma(m, one);
            }
            return a.add(b).add(c).add(d).add(e).add(f).add(g).add(h).add(i).add(j).add(k).add(l).lane(0);
        }
    }
}
