package dev.skald.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.skald.compute.TestDevice;
import dev.skald.compute.TestDevices;
import dev.skald.model.TinyModels;
import dev.skald.sampling.SamplingParams;
import dev.skald.schedule.Failure;
import dev.skald.tensor.DType;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Real operations whose numbers break: one token's row of the embedding is NaN. A sequence that meets that token fails alone, whatever was
 * planned ahead for it, and every other text is what it would have been without it.
 */
class InvalidRowTest {
    private static final int SPOILT = 60;
    private static final int LENGTH = 64;
    private static final int TOKENS = 24;
    private static final SamplingParams SAMPLING = new SamplingParams(0.9f, 0, 0.95f, 0, 1.1f, 0, 0, Map.of(SPOILT, -100f), List.of(), List.of());

    @TempDir
    Path folder;

    static Stream<Arguments> devicesAndDepths() {
        return TestDevices.all().flatMap(device -> IntStream.rangeClosed(1, 3).mapToObj(depth -> Arguments.of(device, depth)));
    }

    @ParameterizedTest(name = "{0}, depth {1}")
    @MethodSource("devicesAndDepths")
    void aSequenceWhoseNumbersBreakFailsAlone(TestDevices.Factory factory, int depth) {
        writeModel();
        try (TestDevice device = factory.open(); RealModel model = new RealModel(device, folder, LENGTH)) {
            Map<String, List<Integer>> expected = run(model, depth, List.of());
            List<RequestBuilder> spoilt = List.of(
                    // in its prompt, so that its very first row is invalid; and as one of three choices
                    new RequestBuilder("prompt", prompt(0, SPOILT)).max(TOKENS),
                    new RequestBuilder("choices", prompt(1, SPOILT)).max(TOKENS).choices(3),
                    // in a prompt whose tokens are scored
                    new RequestBuilder("scored", prompt(2, SPOILT)).max(TOKENS).score(1, 2),
                    // drawn after three tokens of its answer, and fed back by the device itself
                    drawn());
            assertEquals(expected, run(model, depth, spoilt));
            assertEquals(expected, run(model, depth, List.of()), "blocks that hold NaN are used again");
        }
    }

    /** Texts of the sound requests, among which the spoilt ones come and fail. */
    private static Map<String, List<Integer>> run(RealModel model, int depth, List<RequestBuilder> spoilt) {
        try (Engine engine = model.engine(16, 64, depth)) {
            Map<String, Recorder> sound = new LinkedHashMap<>();
            List<Recorder> failing = new ArrayList<>();
            for (int i = 0; i < 6; i++) {
                RequestBuilder request = new RequestBuilder("sound" + i, prompt(i, 5)).max(TOKENS).seed(i);
                request.sampling = SAMPLING;
                sound.put("sound" + i, submit(engine, request));
                if (i < spoilt.size()) failing.add(submit(engine, spoilt.get(i)));
                for (int turn = 0; turn < 2; turn++) engine.loop().turn();
            }
            turnUntilOver(engine, sound.values().stream().toList());
            turnUntilOver(engine, failing);
            for (int turn = 0; turn <= depth; turn++) engine.loop().turn();
            failing.forEach(r -> {
                assertEquals(Failure.Kind.INTERNAL, r.failure().kind());
                assertTrue(r.failure().message().contains("are not numbers"), r.failure().message());
            });
            if (!failing.isEmpty()) assertEquals(List.of(11, 12, 13, SPOILT), failing.get(3).ids(0));
            assertEquals(0, engine.snapshot().load().kvBlocksUsed());
            assertEquals(EngineHealth.WELL, engine.health());
            Map<String, List<Integer>> texts = new LinkedHashMap<>();
            sound.forEach((id, recorder) -> {
                assertEquals(TOKENS, recorder.completed().usage().completionTokens());
                texts.put(id, recorder.ids(0));
            });
            return texts;
        }
    }

    /** Its filters leave 11, then 12, then 13, then the spoilt token. */
    private static RequestBuilder drawn() {
        RequestBuilder request = new RequestBuilder("drawn", 3, 4, 5, 6, 7, 8, 9).max(TOKENS);
        List<List<Integer>> banned = List.of(
                List.of(11, 11), List.of(12, 11), List.of(12, 12), List.of(13, 11), List.of(13, 12), List.of(13, 13));
        request.sampling = new SamplingParams(
                0, 0, 1, 0, 1, 0, 0, Map.of(11, 100f, 12, 50f, 13, 25f, SPOILT, -100f), List.of(11, 12, 13, SPOILT), banned);
        return request;
    }

    private static int[] prompt(int seed, int inTheMiddle) {
        int[] ids = new Random(seed).ints(21, 3, SPOILT).toArray();
        ids[10] = inTheMiddle;
        return ids;
    }

    private static Recorder submit(Engine engine, RequestBuilder request) {
        Recorder recorder = new Recorder();
        engine.submit(request.build(), recorder);
        return recorder;
    }

    private static void turnUntilOver(Engine engine, List<Recorder> recorders) {
        for (int i = 0; !recorders.stream().allMatch(Recorder::over); i++) {
            engine.loop().turn();
            assertTrue(i < 10_000, "nothing comes of it");
        }
    }

    private void writeModel() {
        TinyModels tiny = TinyModels.DEFAULT;
        tiny.write(folder, 3);
        Random random = new Random(4);
        float[] embedding = new float[tiny.vocabulary() * tiny.hidden()];
        for (int i = 0; i < embedding.length; i++) embedding[i] = (float) (0.5 * random.nextGaussian());
        Arrays.fill(embedding, SPOILT * tiny.hidden(), (SPOILT + 1) * tiny.hidden(), Float.NaN);
        tiny.weights(3).replace("model.embed_tokens.weight", DType.F32, embedding, tiny.vocabulary(), tiny.hidden())
                .write(folder.resolve("model.safetensors"));
    }
}
