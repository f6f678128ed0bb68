package dev.skald;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Files and methods stay small. The limits are only ever tightened. */
class TidyTest {
    private static final int MAX_FILE_LINES = 400;
    private static final int MAX_METHOD_LINES = 70;
    private static final int MAX_LINE_CHARS = 180;
    private static final int MAX_LAUNCHER_LINES = 80;

    /** Names at the top level besides dot files: the house has no other doors. */
    private static final Set<String> TOP_LEVEL =
            Set.of("pom.xml", "proto", "src", "native", "docker", "README.md", "skald", "LICENSE", "target");

    @Test
    void javaFilesAreShort() throws IOException {
        assertEquals(List.of(), longerThan(sources(".java"), MAX_FILE_LINES));
    }

    @Test
    void linesFitAScreen() throws IOException {
        List<String> offences = new ArrayList<>();
        for (Path file : sources(".java")) {
            if (!file.startsWith("src/main")) continue; // tables of test data are read by column, not by screen
            List<String> lines = Files.readAllLines(file);
            for (int i = 0; i < lines.size(); i++) {
                if (lines.get(i).length() > MAX_LINE_CHARS) offences.add(file + ":" + (i + 1));
            }
        }
        assertEquals(List.of(), offences);
    }

    @Test
    void methodsAreShort() throws IOException {
        List<String> offences = new ArrayList<>();
        for (Path file : sources(".java")) offences.addAll(longMethods(file));
        assertEquals(List.of(), offences);
    }

    @Test
    void theLauncherIsShort() throws IOException {
        assertEquals(List.of(), longerThan(List.of(Path.of("skald")), MAX_LAUNCHER_LINES));
    }

    @Test
    void nothingNewStandsAtTheTopLevel() throws IOException {
        try (Stream<Path> top = Files.list(Path.of("."))) {
            List<String> strangers = top.map(p -> p.getFileName().toString())
                    .filter(n -> !n.startsWith(".") && !TOP_LEVEL.contains(n))
                    .toList();
            assertEquals(List.of(), strangers);
        }
    }

    private static List<String> longerThan(List<Path> files, int limit) throws IOException {
        List<String> offences = new ArrayList<>();
        for (Path file : files) {
            int lines = Files.readAllLines(file).size();
            if (lines > limit) offences.add(file + " has " + lines + " lines");
        }
        return offences;
    }

    private static List<Path> sources(String suffix) throws IOException {
        try (Stream<Path> walk = Files.walk(Path.of("src"))) {
            return walk.filter(p -> p.toString().endsWith(suffix)).sorted().toList();
        }
    }

    /** A method is a line indented by one step that ends with an opening brace and no class keyword, up to the brace that closes it. */
    private static List<String> longMethods(Path file) throws IOException {
        List<String> offences = new ArrayList<>();
        List<String> lines = Files.readAllLines(file);
        for (String indent : List.of("    ", "        ")) {
            int start = -1;
            for (int i = 0; i < lines.size(); i++) {
                String line = lines.get(i);
                boolean opens = line.startsWith(indent) && line.endsWith("{") && line.length() > indent.length()
                        && !Character.isWhitespace(line.charAt(indent.length()))
                        && line.contains("(") && !line.contains("->") && !line.matches(".*\\b(class|interface|record|enum|switch|new)\\b.*");
                if (opens && start < 0) start = i;
                if (line.equals(indent + "}") && start >= 0) {
                    if (i - start > MAX_METHOD_LINES) offences.add(file + ":" + (start + 1) + " is " + (i - start) + " lines long");
                    start = -1;
                }
            }
        }
        return offences;
    }
}
