package dev.skald.batch;

import dev.skald.client.Endpoint;
import dev.skald.service.Inference;
import dev.skald.service.InferenceException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Supplier;

/** Where a job's lines are answered, and by which model. Closing it leaves the engine of this process alone. */
public final class Fleet implements AutoCloseable {
    /** What stands for fingerprints that are allowed to differ. */
    static final String MIXED = "mixed";

    private final List<Lane> lanes;
    private final ModelFacts facts;

    private Fleet(List<Lane> lanes, ModelFacts facts) {
        this.lanes = List.copyOf(lanes);
        this.facts = facts;
    }

    /**
     * The engine of this process.
     *
     * @param broken   says what broke it for good, if something did
     * @param capacity sequences that it is given at a time
     */
    public static Fleet local(Inference inference, Supplier<Optional<String>> broken, int capacity) {
        return of(List.of(new LocalLane(inference, broken, capacity)), ModelFacts.of(inference));
    }

    /** Of lanes that agree already. */
    static Fleet of(List<? extends Lane> lanes, ModelFacts facts) {
        return new Fleet(List.copyOf(lanes), facts);
    }

    /**
     * Daemons. One that can't be reached yet may join later.
     *
     * @param asked  sequences at a time on each; empty: twice as many as it runs
     * @param mixed  whether their models may differ in fingerprint
     * @param millis for the first of them to answer
     * @throws BatchException if none answers, or two differ
     * @throws IOException    naming a PEM file that can't be used
     */
    public static Fleet remote(List<Endpoint> endpoints, OptionalInt asked, boolean mixed, long millis) throws IOException, InterruptedException {
        List<RemoteLane> lanes = new ArrayList<>();
        try {
            for (Endpoint endpoint : endpoints) lanes.add(new RemoteLane(endpoint, asked));
            ModelFacts facts = agree(lanes, mixed, millis);
            return of(lanes, facts);
        } catch (IOException | RuntimeException | InterruptedException e) {
            lanes.forEach(RemoteLane::close);
            throw e;
        }
    }

    private static ModelFacts agree(List<RemoteLane> lanes, boolean mixed, long millis) throws InterruptedException {
        long end = System.nanoTime() + millis * 1_000_000;
        for (RemoteLane lane : lanes) lane.awaitFirstLook(Math.max(1, (end - System.nanoTime()) / 1_000_000));
        while (lanes.stream().allMatch(l -> l.facts().isEmpty()) && end - System.nanoTime() > 0) Thread.sleep(50);
        RemoteLane first = lanes.stream().filter(l -> l.facts().isPresent()).findFirst().orElseThrow(() -> new BatchException(
                BatchException.Kind.UNFINISHED, "no daemon answers: " + trouble(lanes) + "; start one, then run the same command again"));
        ModelFacts facts = first.facts().orElseThrow();
        for (RemoteLane lane : lanes) {
            Optional<String> difference = lane.facts().flatMap(f -> difference(facts, f, mixed));
            if (difference.isPresent()) {
                throw new BatchException(BatchException.Kind.REFUSED, lane.name() + " would answer otherwise than " + first.name() + ": " + difference.get()
                        + "; --mixed-fleet allows fingerprints to differ");
            }
        }
        ModelFacts agreed = mixed ? new ModelFacts(facts.name(), MIXED, facts.context(), facts.defaults(), facts.template()) : facts;
        lanes.forEach(lane -> lane.judge(f -> difference(agreed, f, mixed)));
        return agreed;
    }

    private static Optional<String> difference(ModelFacts ours, ModelFacts theirs, boolean mixed) {
        ModelFacts other = mixed
                ? new ModelFacts(theirs.name(), ours.fingerprint(), theirs.context(), theirs.defaults(), theirs.template())
                : theirs;
        return ours.difference(other);
    }

    private static String trouble(List<? extends Lane> lanes) {
        return String.join("; ", lanes.stream().map(lane -> lane.name() + ": " + switch (lane.state()) {
            case Lane.State.Up up -> "up";
            case Lane.State.Down down -> down.why();
            case Lane.State.Refused refused -> refused.why();
        }).toList());
    }

    /** What is wrong with those that take no lines. */
    String trouble() {
        return trouble(lanes.stream().filter(lane -> !(lane.state() instanceof Lane.State.Up)).toList());
    }

    List<Lane> lanes() {
        return lanes;
    }

    ModelFacts facts() {
        return facts;
    }

    /** Of the first that is up. @throws InferenceException if none is */
    Inference inference() {
        return lanes.stream().filter(lane -> lane.state() instanceof Lane.State.Up).findFirst().map(Lane::inference)
                .orElseThrow(() -> new InferenceException(InferenceException.Kind.UNAVAILABLE, "UNAVAILABLE", "", "no daemon answers", Optional.empty()));
    }

    @Override
    public void close() {
        lanes.forEach(Lane::close);
    }
}
