package dev.skald.boot;

import dev.skald.weights.Checkpoint;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.security.CodeSource;
import java.util.Optional;
import java.util.stream.Stream;

/** Finds a model: a folder, a GGUF file, or a packed file. */
public final class ModelFolder {
    /** The model that comes with Skald. */
    public static final String EMBEDDED = "skald-mini";

    private static final String WHAT = "a folder in Hugging Face layout, a GGUF file or a packed file";

    private ModelFolder() {}

    /**
     * @param named as a user names it; empty: the embedded model
     * @return a folder or file that exists
     * @throws StartException with a sentence
     */
    public static Path find(Optional<String> named) {
        if (named.isEmpty()) return embedded();
        Path path;
        try {
            path = Path.of(named.get());
        } catch (InvalidPathException e) {
            throw new StartException("`" + named.get() + "` is no path: " + e.getReason(), e);
        }
        if (!Files.exists(path)) throw new StartException("there is no model " + path + ": MODEL is " + WHAT);
        if (Checkpoint.isGguf(path) || Checkpoint.isPacked(path)) return path;
        if (!Files.isDirectory(path)) throw new StartException(path + " is neither a folder nor a " + Checkpoint.GGUF + " or " + Checkpoint.PACKED + " file: MODEL is " + WHAT);
        if (!Files.exists(path.resolve("config.json"))) throw new StartException(path + " has no config.json: MODEL is " + WHAT + ggufInside(path));
        return path;
    }

    /** Whoever names a folder of GGUF files means one of them. */
    private static String ggufInside(Path folder) {
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(Checkpoint::isGguf).sorted().findFirst().map(file -> "; did you mean " + file + "?").orElse("");
        } catch (IOException e) {
            return "";
        }
    }

    /** Of the distribution that runs; where classes run without one, of the source tree that they were compiled from. */
    private static Path embedded() {
        String home = System.getProperty("skald.home", "");
        if (!home.isEmpty()) {
            Path model = Path.of(home, "models", EMBEDDED);
            if (Files.exists(model.resolve("config.json"))) return model;
        }
        return source()
                .map(root -> root.resolve("src").resolve(EMBEDDED).resolve("model"))
                .filter(model -> Files.exists(model.resolve("config.json")))
                .orElseThrow(() -> new StartException(
                        "no MODEL is named, and " + EMBEDDED + " is not in " + (home.isEmpty() ? "this distribution" : home + "/models")));
    }

    private static Optional<Path> source() {
        CodeSource code = ModelFolder.class.getProtectionDomain().getCodeSource();
        if (code == null) return Optional.empty();
        try {
            for (Path p = Path.of(code.getLocation().toURI()); p != null; p = p.getParent()) {
                if (Files.exists(p.resolve("pom.xml"))) return Optional.of(p);
            }
            return Optional.empty();
        } catch (URISyntaxException | InvalidPathException e) {
            return Optional.empty();
        }
    }
}
