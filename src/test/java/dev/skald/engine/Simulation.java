package dev.skald.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.skald.schedule.EngineRequest;
import dev.skald.schedule.Failure;
import dev.skald.schedule.Limits;
import dev.skald.schedule.Policy;
import dev.skald.schedule.StepBudget;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Random;

/**
 * A day of the engine on a fake clock and a fake device, driven turn by turn: requests of all sorts arrive in waves, share prefixes, fork, are
 * cancelled, time out, stop reading, end at stop strings that are seen late. Everything is counted again after each turn.
 */
final class Simulation {
    static final int BLOCK = 4;
    static final int MAX_LENGTH = 96;

    final Limits limits;
    final Engine engine;
    final FakeExecutor device;
    final List<SimulatedClient> clients = new ArrayList<>();
    private final List<SimulatedClient> open = new ArrayList<>();
    private final Random random;
    private final int[][] prefixes = new int[5][];
    private long now = 1_000_000_000L;
    private long turn;
    private int copies;

    Simulation(long seed, int depth, boolean late) {
        random = new Random(seed);
        int blocks = MAX_LENGTH / BLOCK + 1 + random.nextInt(50);
        int sequences = 4 + random.nextInt(9);
        limits = new Limits(20, sequences, sequences + random.nextInt(40), sequences + random.nextInt(8), 1 + random.nextInt(3), MAX_LENGTH, 4, 5, blocks, BLOCK);
        device = new FakeExecutor(limits, depth, late, plan -> {
            now += 2_000_000 + 100_000L * plan.tokens();
            copies += plan.blockCopies();
        });
        StepBudget budget = random.nextBoolean()
                ? StepBudget.unlimited(limits.maxBatchedTokens())
                : new StepBudget(4_000_000, 8, limits.maxBatchedTokens());
        Policy policy = new Policy(Duration.ofMillis(300), Duration.ofMillis(400));
        engine = new Engine(new EngineConfig(limits, policy, budget, FakeModel.VOCABULARY, Duration.ofSeconds(1)), device, () -> now);
        for (int i = 0; i < prefixes.length; i++) prefixes[i] = tokens(3 + random.nextInt(50));
    }

    /** Lets so many requests arrive and all of them end. */
    Simulation run(int arrivals) {
        while (clients.size() < arrivals || !open.isEmpty()) {
            turn++;
            if (clients.size() < arrivals) arrive();
            for (SimulatedClient client : open) act(client, clients.size() < arrivals);
            turn();
        }
        for (int i = 0; i < 5; i++) turn();
        assertEquals(0, engine.loop().snapshot().load().kvBlocksUsed(), "blocks leaked");
        assertEquals(0, engine.liveRequests());
        assertTrue(engine.loop().scheduler().isEmpty());
        engine.flushPrefixCache();
        turn();
        turn();
        assertEquals(0, engine.loop().snapshot().load().kvBlocksCached());
        return this;
    }

    long preemptions() {
        return engine.snapshot().load().preemptions();
    }

    int copies() {
        return copies;
    }

    private void turn() {
        if (!engine.loop().turn()) now += 3_000_000;
        engine.loop().scheduler().verify();
        for (int block = 0; block < limits.kvBlocks(); block++) {
            if (engine.loop().scheduler().isFree(block)) device.poison(block);
        }
        for (SimulatedClient client : open) client.read(turn);
        open.removeIf(client -> {
            if (client.over()) client.readAll();
            return client.over();
        });
    }

    private void arrive() {
        // Waves: some of the time more come than can be served.
        double rate = turn / 200 % 3 == 0 ? 0.4 : 0.05;
        while (random.nextDouble() < rate / (1 + rate)) {
            SimulatedClient client = client("r" + clients.size());
            clients.add(client);
            open.add(client);
            if (engine.liveRequests() >= limits.maxQueued()) client.excuses.add(Failure.Kind.OVERLOADED);
            client.handle = java.util.Optional.of(engine.submit(client.request, client));
        }
    }

    private void act(SimulatedClient client, boolean dayGoesOn) {
        double dice = random.nextDouble();
        if (client.paused) {
            if (turn >= client.resumeTurn || !dayGoesOn) {
                client.paused = false;
                client.handle.orElseThrow().resume();
            }
        } else if (dice < 0.003) {
            client.excuses.add(Failure.Kind.CANCELLED);
            client.handle.orElseThrow().cancel(Failure.of(Failure.Kind.CANCELLED, "went away"));
        } else if (dice < 0.013) {
            client.excuses.add(Failure.Kind.SLOW_READER);
            client.paused = true;
            client.resumeTurn = turn + (random.nextInt(8) == 0 ? 1000 : random.nextInt(40));
            client.handle.orElseThrow().pause();
        }
    }

    private SimulatedClient client(String id) {
        int[] prefix = prefixes[random.nextInt(prefixes.length)];
        int[] tail = tokens(random.nextInt(3) == 0 ? 0 : 1 + random.nextInt(30));
        int[] prompt = new int[Math.min(prefix.length + tail.length, MAX_LENGTH - 1)];
        for (int i = 0; i < prompt.length; i++) prompt[i] = i < prefix.length ? prefix[i] : tail[i - prefix.length];
        RequestBuilder b = new RequestBuilder(id, prompt);
        b.seed = random.nextInt(400);
        b.salt = FakeModel.salt(b.seed);
        b.bypass = chance(0.1);
        b.choices = chance(0.2) ? 2 + random.nextInt(3) : 1;
        b.choices = Math.min(b.choices, limits.maxChoices());
        b.eosIds = chance(0.8) ? List.of(FakeModel.EOS) : List.of();
        b.stopIds = chance(0.2) ? List.of(17, 18) : List.of();
        b.priority = chance(0.3) ? random.nextInt(3) - 1 : 0;
        b.topLogprobs = chance(0.1) ? 2 : -1;
        if (chance(0.15)) b.score(1 + random.nextInt(prompt.length), 1);
        if (chance(0.8)) b.maxTokens = OptionalInt.of(b.promptTopLogprobs >= 0 && chance(0.5) ? 0 : 1 + random.nextInt(40));
        if (chance(0.2)) b.minTokens = Math.min(random.nextInt(10), b.maxTokens.orElse(10));
        boolean spoilt = FakeModel.spoilt(b.seed, 0, 3);
        SimulatedClient client = new SimulatedClient(timed(b), !spoilt && chance(0.3), random.nextInt(6), MAX_LENGTH);
        if (client.request.deadlineNanos().isPresent()) {
            client.excuses.add(Failure.Kind.DEADLINE_EXCEEDED);
            client.excuses.add(Failure.Kind.OVERLOADED);
        }
        if (client.request.queueTimeoutNanos().isPresent()) client.excuses.add(Failure.Kind.DEADLINE_EXCEEDED);
        return client;
    }

    private EngineRequest timed(RequestBuilder b) {
        if (chance(0.15)) b.deadline = OptionalLong.of(now + random.nextInt(1500) * 1_000_000L);
        if (chance(0.1)) b.queueTimeout = OptionalLong.of(random.nextInt(300) * 1_000_000L);
        b.unary = chance(0.3);
        return b.build();
    }

    private boolean chance(double p) {
        return random.nextDouble() < p;
    }

    private int[] tokens(int length) {
        return random.ints(length, 0, FakeModel.VOCABULARY).toArray();
    }
}
