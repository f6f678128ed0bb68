package dev.skald;

import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Who may import whom, in one table. A package that is not in it does not exist yet. */
class ArchitectureTest {
    private static final String ROOT = "dev.skald";
    private static final Path SOURCES = Path.of("src/main/java/dev/skald");

    /** Package below the root → the packages of ours that it may know. "" is the root package itself. */
    private static final Map<String, Set<String>> MAY_IMPORT = Map.ofEntries(
            Map.entry("", Set.of("cli")),
            Map.entry("tensor", Set.of()),
            Map.entry("sampling", Set.of()),
            Map.entry("compute", Set.of("tensor", "sampling")),
            Map.entry("compute.reference", Set.of("tensor", "sampling", "compute")),
            Map.entry("compute.cpu", Set.of("tensor", "sampling", "compute")),
            Map.entry("compute.cuda", Set.of("tensor", "sampling", "compute")),
            Map.entry("weights", Set.of("tensor")),
            Map.entry("quantize", Set.of("tensor")),
            Map.entry("model", Set.of("tensor", "sampling", "compute", "weights", "quantize", "model.family")),
            Map.entry("model.family", Set.of("tensor", "compute", "weights", "model")),
            Map.entry("convert", Set.of("tensor", "quantize", "weights", "model", "model.family", "text", "compute")),
            Map.entry("kv", Set.of()),
            Map.entry("schedule", Set.of("kv", "sampling", "compute")),
            Map.entry("engine", Set.of("schedule", "kv", "sampling", "model", "compute", "tensor")),
            Map.entry("text", Set.of("text.jinja")),
            Map.entry("text.jinja", Set.of()),
            Map.entry("service", Set.of("engine", "schedule", "sampling", "text", "text.jinja")),
            Map.entry("grpc", Set.of("service", "schedule", "sampling", "api")),
            Map.entry("client", Set.of("service", "schedule", "sampling", "api")),
            Map.entry("openai", Set.of("service", "schedule", "sampling")),
            Map.entry("batch", Set.of("openai", "service", "sampling", "client")),
            Map.entry("bench", Set.of("engine", "schedule", "sampling", "service", "model", "tensor", "compute", "compute.cpu")),
            Map.entry("boot", Set.of("*")),
            Map.entry(
                    "gpucheck",
                    Set.of("boot", "bench", "engine", "schedule", "sampling", "service", "model", "model.family", "quantize", "tensor", "compute",
                            "compute.reference", "compute.cuda")),
            Map.entry("cli", Set.of("*")));

    private static JavaClasses ours;

    @BeforeAll
    static void read() {
        ours = new ClassFileImporter().withImportOption(new ImportOption.DoNotIncludeTests()).importPackages(ROOT);
    }

    @Test
    void everyImportIsInTheTable() {
        Set<String> offences = new TreeSet<>();
        for (JavaClass c : ours) {
            String from = place(c);
            if (from.equals("api")) continue;
            Set<String> allowed = MAY_IMPORT.get(from);
            if (allowed == null) {
                offences.add("package " + from + " is not in the table");
                continue;
            }
            c.getDirectDependenciesFromSelf().stream()
                    .map(d -> d.getTargetClass().getBaseComponentType())
                    .filter(t -> t.getPackageName().startsWith(ROOT))
                    .filter(t -> !place(t).equals(from) && !allowed.contains(place(t)) && !allowed.contains("*"))
                    .forEach(t -> offences.add(c.getName() + " imports " + t.getName()));
        }
        assertEquals(Set.of(), offences);
    }

    @Test
    void nobodyImportsTheCommandLine() {
        Set<String> offences = new TreeSet<>();
        for (JavaClass c : ours) {
            if (place(c).equals("cli") || place(c).isEmpty()) continue;
            c.getDirectDependenciesFromSelf().stream()
                    .filter(d -> place(d.getTargetClass().getBaseComponentType()).equals("cli"))
                    .forEach(d -> offences.add(c.getName()));
        }
        assertEquals(Set.of(), offences);
    }

    @Test
    void onlyTheCudaDeviceKnowsJcuda() {
        Set<String> offences = new TreeSet<>();
        for (JavaClass c : ours) {
            if (place(c).equals("compute.cuda")) continue;
            c.getDirectDependenciesFromSelf().stream()
                    .filter(d -> d.getTargetClass().getBaseComponentType().getPackageName().startsWith("jcuda"))
                    .forEach(d -> offences.add(c.getName()));
        }
        assertEquals(Set.of(), offences);
    }

    @Test
    void packagesFormNoCycle() {
        // A family and the spec it fills know each other; seen from outside they are one.
        slices().assignedFrom(new TopLevelPackages()).should().beFreeOfCycles().check(ours);
    }

    @Test
    void theTableListsOnlyPackagesThatExist() throws Exception {
        try (var walk = Files.walk(SOURCES)) {
            Set<String> existing = new TreeSet<>();
            walk.filter(p -> p.toString().endsWith(".java")).forEach(p -> existing.add(SOURCES.relativize(p.getParent()).toString().replace('/', '.')));
            assertEquals(existing, new TreeSet<>(MAY_IMPORT.keySet()));
        }
    }

    @Test
    void everyPackageSaysWhatItIsFor() throws Exception {
        Map<Path, Boolean> described = new TreeMap<>();
        try (var walk = Files.walk(SOURCES)) {
            walk.filter(p -> p.toString().endsWith(".java"))
                    .forEach(p -> described.merge(p.getParent(), p.endsWith("package-info.java"), Boolean::logicalOr));
        }
        List<Path> silent = described.entrySet().stream().filter(e -> !e.getValue()).map(Map.Entry::getKey).toList();
        assertTrue(silent.isEmpty(), "no package-info.java in " + silent);
    }

    /** The package below the root; generated API classes are "api". */
    private static String place(JavaClass c) {
        String p = c.getPackageName();
        if (p.startsWith(ROOT + ".api.")) return "api";
        return p.equals(ROOT) ? "" : p.startsWith(ROOT + ".") ? p.substring(ROOT.length() + 1) : p;
    }

    private static final class TopLevelPackages implements com.tngtech.archunit.library.dependencies.SliceAssignment {
        @Override
        public com.tngtech.archunit.library.dependencies.SliceIdentifier getIdentifierOf(JavaClass c) {
            String place = place(c);
            if (!c.getPackageName().startsWith(ROOT) || place.isEmpty()) {
                return com.tngtech.archunit.library.dependencies.SliceIdentifier.ignore();
            }
            // backends implement the contract that lies in their parent
            return com.tngtech.archunit.library.dependencies.SliceIdentifier.of(
                    place.startsWith("model") ? "model" : place.startsWith("text") ? "text" : place);
        }

        @Override
        public String getDescription() {
            return "packages of Skald";
        }
    }
}
