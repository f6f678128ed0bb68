package dev.skald.gpucheck;

import dev.skald.model.ModelShape;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** The same shape and the same ragged lengths through transformers' generate, where a Python with PyTorch is. */
final class TransformersPart implements Part {
    private static final String SCRIPT = "generate.py";
    private static final int LIMIT = 240;
    private static final int REQUESTS = 256;
    private static final int MEAN = 128;

    private final ModelShape shape;

    TransformersPart(ModelShape shape) {
        this.shape = shape;
    }

    @Override
    public String name() {
        return "transformers-" + shape.label();
    }

    @Override
    public String about() {
        return shape.label() + " in bf16 through transformers' generate, requests of the same ragged lengths";
    }

    @Override
    public int limitSeconds() {
        return LIMIT;
    }

    @Override
    public void run(Surroundings surroundings, Results results) throws Exception {
        Optional<Path> python = python();
        if (python.isEmpty()) {
            results.add(Result.skipped("generate, ragged", "there is no python3 here"));
            return;
        }
        boolean small = surroundings.simulated();
        Path script = surroundings.out().resolve(SCRIPT);
        try (InputStream in = TransformersPart.class.getResourceAsStream(SCRIPT)) {
            if (in == null) throw new IOException("this program was built without " + SCRIPT);
            Files.write(script, in.readAllBytes());
        }
        Path config = Files.writeString(surroundings.out().resolve("config-" + shape.label() + ".json"), (small ? ModelShape.TINY : shape).json());
        List<String> command = new ArrayList<>(List.of(
                python.get().toString(), script.toString(), config.toString(), String.valueOf(small ? 3 : REQUESTS), String.valueOf(small ? 8 : MEAN)));
        if (small) command.add("cpu");
        Child.Ended ended = Child.run(command, Map.of(), surroundings.out().resolve(name() + "-python.log"), LIMIT - 15, results);
        if (ended.exit() != 0) results.add(Result.failed("generate, ragged", "python ended with " + ended.exit() + ": " + ended.tail()));
    }

    private static Optional<Path> python() {
        return Stream.of(System.getenv().getOrDefault("PATH", "").split(":"))
                .filter(p -> !p.isEmpty())
                .map(p -> Path.of(p, "python3"))
                .filter(Files::isExecutable)
                .findFirst();
    }
}
