package dev.skald.compute.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.skald.tensor.Block;
import dev.skald.tensor.DType;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The checked-in PTX and the table of registers belong to the sources, and where NVIDIA's compiler is at hand it agrees. */
class CudaKernelImagesTest {
    private static final Path SOURCES = Path.of("native/cuda");
    private static final Path TABLE = Path.of("src/docs/gpu/kernels.tsv");
    private static final Pattern SETTING = Pattern.compile("(?m)^(flags|version)=\"?([^\"\n]*)\"?$");
    private static final Pattern ENTRY = Pattern.compile("SKALD_KERNEL\\((skald_\\w+)\\)");
    private static final int REGISTERS_OF_A_MULTIPROCESSOR = 65_536;

    private static List<String> ops() throws IOException {
        try (Stream<Path> list = Files.list(SOURCES)) {
            return list.map(p -> p.getFileName().toString()).filter(n -> n.endsWith(".cu")).map(n -> n.replace(".cu", "")).sorted().toList();
        }
    }

    private static List<String[]> rows() throws IOException {
        return Files.readAllLines(TABLE).stream().skip(1).map(line -> line.split("\t")).toList();
    }

    @Test
    void ptxIsMadeOfTheSourcesThatStandBesideIt() throws IOException, NoSuchAlgorithmException {
        String build = Files.readString(SOURCES.resolve("build.sh"));
        String settings = SETTING.matcher(build).results().map(m -> m.group(2)).collect(Collectors.joining(" ", "", "\n"));
        for (String op : ops()) {
            MessageDigest hash = MessageDigest.getInstance("SHA-256");
            hash.update(settings.getBytes(StandardCharsets.UTF_8));
            for (String file : List.of(op + ".cu", "skald.cuh", "weights.cuh")) hash.update(Files.readAllBytes(SOURCES.resolve(file)));
            if (Files.readString(SOURCES.resolve(op + ".cu")).contains("#include \"quants.cuh\"")) hash.update(Files.readAllBytes(SOURCES.resolve("quants.cuh")));
            String expected = "// sources " + HexFormat.of().formatHex(hash.digest()).substring(0, 16);
            List<String> ptx = Files.readAllLines(SOURCES.resolve("ptx").resolve(op + ".ptx"));
            assertEquals(expected, ptx.getFirst(), op + " was changed: run native/cuda/build.sh, which needs nvcc");
        }
    }

    @Test
    void noKernelSpillsAndEachFitsTwiceOnAMultiprocessor() throws IOException {
        Set<String> listed = new TreeSet<>();
        for (String[] row : rows()) {
            listed.add(row[1]);
            assertEquals("0", row[4], row[1] + " spills registers on " + row[2]);
            int registers = (Integer.parseInt(row[3]) + 7) / 8 * 8 * Kernels.BLOCK;
            assertTrue(2 * registers <= REGISTERS_OF_A_MULTIPROCESSOR, row[1] + " has " + row[3] + " registers");
            assertTrue(Integer.parseInt(row[5]) <= 48 * 1024, row[1] + " has " + row[5] + " bytes of static shared memory");
        }
        for (String op : ops()) {
            Matcher plain = ENTRY.matcher(Files.readString(SOURCES.resolve(op + ".cu")));
            while (plain.find()) {
                if (!plain.group(1).endsWith("_")) assertTrue(listed.contains(plain.group(1)) || plain.group(1).contains("##"), plain.group(1) + " is not in " + TABLE);
            }
        }
        assertEquals(2L * listed.size(), rows().size(), "each kernel on sm_80 and sm_90a");
    }

    @Test
    void sixteenBitProductsRunOnTensorCores() throws IOException {
        String ptx = Files.readString(SOURCES.resolve("ptx/linear.ptx"));
        for (String kernel : List.of("skald_linear_f16_1", "skald_linear_bf16_8")) {
            int begin = ptx.indexOf(".entry " + kernel + "(");
            int end = ptx.indexOf(".entry ", begin + 1);
            String body = ptx.substring(begin, end < 0 ? ptx.length() : end);
            assertTrue(body.contains("mma.sync.aligned.m16n8k16"), kernel);
        }
        assertFalse(ptx.contains("fma.rn.f64"), "no double arithmetic in a product");
    }

    /** With a chunk of a prompt and with one token alike, or their bits could differ. */
    @Test
    void attentionOver16BitCachesRunsOnTensorCores() throws IOException {
        String ptx = Files.readString(SOURCES.resolve("ptx/attention_tensor.ptx"));
        for (String type : List.of("f16", "bf16")) {
            for (String kernel : List.of("few_" + type + "_32", "many_" + type + "_64", "few_" + type + "_128", "many_" + type + "_128")) {
                int begin = ptx.indexOf(".entry skald_attention_" + kernel + "(");
                int end = ptx.indexOf(".entry ", begin + 1);
                String body = ptx.substring(begin, end < 0 ? ptx.length() : end);
                assertTrue(body.contains("mma.sync.aligned.m16n8k16.row.col.f32." + type + "." + type + ".f32"), kernel);
            }
        }
    }

    @Test
    void quantisedProductsRunOnTensorCores() throws IOException {
        String ptx = Files.readString(SOURCES.resolve("ptx/linear_quantised.ptx"));
        for (DType layout : QuantFragments.LAYOUTS) {
            String instruction = Block.groupElements(layout) == 16 || layout == DType.Q5_K ? "mma.sync.aligned.m16n8k16.row.col.s32.s8" : "mma.sync.aligned.m16n8k32.row.col.s32.s8";
            for (String shape : List.of("few_1", "few_2", "many_1", "many_2")) {
                String kernel = "skald_linear_" + layout.name().toLowerCase(Locale.ROOT) + "_" + shape;
                int begin = ptx.indexOf(".entry " + kernel + "(");
                int end = ptx.indexOf(".entry ", begin + 1);
                String body = ptx.substring(begin, end < 0 ? ptx.length() : end);
                assertTrue(body.contains(instruction) && body.contains("cp.async.cg.shared.global"), kernel);
            }
        }
    }

    /** The smallest kernel whole; {@code native/cuda/build.sh} does all. */
    @Test
    void nvidiasCompilerMakesWhatIsCheckedIn() throws IOException, InterruptedException {
        Optional<Path> nvcc = nvcc();
        assumeTrue(nvcc.isPresent(), "skipped: no nvcc (SKALD_NVCC, or in .venv: see native/cuda/build.sh)");
        Path out = Files.createTempFile("skald", ".ptx");
        Process process = new ProcessBuilder(
                        nvcc.get().toString(), "-std=c++17", "-O3", "--fmad=false", "-arch=compute_80", "-ptx", "-o", out.toString(), "native/cuda/rms_norm.cu")
                .redirectErrorStream(true)
                .start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, process.waitFor(), said);
        assertEquals(code(SOURCES.resolve("ptx/rms_norm.ptx")), code(out));
        Files.delete(out);
    }

    private static List<String> code(Path ptx) throws IOException {
        return Files.readAllLines(ptx).stream().filter(line -> !line.startsWith("//") && !line.startsWith(".version")).toList();
    }

    private static Optional<Path> nvcc() throws IOException {
        String named = System.getenv().getOrDefault("SKALD_NVCC", "");
        if (!named.isEmpty()) return Optional.of(Path.of(named));
        Path environment = Path.of(".venv/lib");
        if (!Files.isDirectory(environment)) return Optional.empty();
        try (Stream<Path> walk = Files.walk(environment, 7)) {
            return walk.filter(p -> p.endsWith("bin/nvcc")).findFirst();
        }
    }
}
