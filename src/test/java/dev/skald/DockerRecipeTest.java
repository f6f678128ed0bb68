package dev.skald;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The image recipe agrees with the tree; that an image can be built is seen where Docker is. */
class DockerRecipeTest {
    private static final Path RECIPE = Path.of("docker/Dockerfile");

    private static List<String> lines() throws IOException {
        return Files.readAllLines(RECIPE);
    }

    @Test
    void allThatIsCopiedExistsAndIsSentToTheBuilder() throws IOException {
        List<String> sent = Files.readAllLines(Path.of("docker/Dockerfile.dockerignore")).stream().filter(l -> l.startsWith("!")).map(l -> l.substring(1)).toList();
        Set<String> copied = new HashSet<>();
        for (String line : lines()) {
            if (!line.startsWith("COPY ") || line.contains("--from=")) continue;
            String[] words = line.substring("COPY ".length()).split(" ");
            for (String source : Arrays.copyOf(words, words.length - 1)) {
                assertTrue(Files.exists(Path.of(source)), source + " does not exist");
                copied.add(source);
            }
        }
        assertEquals(new HashSet<>(sent), copied);
        assertTrue(copied.contains("pom.xml"));
    }

    @Test
    void stagesAreNamedBeforeTheyAreUsed() throws IOException {
        Set<String> stages = new HashSet<>();
        Pattern from = Pattern.compile("--from=([a-z]+)(?: |$)");
        for (String line : lines()) {
            if (line.startsWith("FROM ")) stages.add(line.replaceFirst(".* AS ", ""));
            Matcher used = from.matcher(line);
            while (used.find()) assertTrue(stages.contains(used.group(1)), line);
        }
        assertTrue(stages.containsAll(List.of("build", "cpu", "cuda")), stages.toString());
    }

    @Test
    void imagesRunAsNobodyInParticularAndSayWhetherTheyAreReady() throws IOException {
        for (String image : List.of("cpu", "cuda")) {
            List<String> stage = new ArrayList<>();
            boolean inside = false;
            for (String line : lines()) {
                if (line.startsWith("FROM ")) inside = line.endsWith(" AS " + image);
                if (inside) stage.add(line);
            }
            assertTrue(stage.contains("USER 10001:10001"), image);
            assertTrue(stage.indexOf("USER 10001:10001") < stage.indexOf("ENTRYPOINT [\"skald\"]"), image);
            assertTrue(stage.stream().anyMatch(l -> l.startsWith("HEALTHCHECK ") && l.endsWith("CMD [\"skald\", \"health\", \"127.0.0.1:50051\"]")), image);
            String command = stage.stream().filter(l -> l.startsWith("CMD ")).findFirst().orElseThrow();
            assertTrue(command.contains("\"serve\"") && command.contains("\"" + image + "\""), command);
        }
    }
}
