package dev.skald.compute.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.skald.compute.QuantisedWeights;
import dev.skald.compute.reference.QuantisedLinearReference;
import dev.skald.tensor.DType;
import dev.skald.tensor.Tensor;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Quantised products on NEON with dotprod, cross-compiled and emulated: the reference's bits there too. */
class EmulatedQuantisedTest {
    private static final Path SOURCES = Path.of("native");
    private static final int[] ROWS = {1, 2, 3, 4, 5, 9};
    private static final long TIMEOUT_SECONDS = 240;

    @TempDir
    Path folder;

    @Test
    void neonGivesTheReferencesBits() throws Exception {
        Optional<String> compiler = tool("aarch64-linux-gnu-gcc", "aarch64-linux-gnu-gcc-12");
        Optional<String> emulator = tool("qemu-aarch64-static", "qemu-aarch64");
        assumeTrue(compiler.isPresent() && emulator.isPresent(), "NEON is not tested: no aarch64-linux-gnu-gcc or qemu-aarch64 here");
        Path program = folder.resolve("bits");
        List<String> command = new ArrayList<>(List.of(
                compiler.get(), "-std=gnu11", "-O2", "-ffp-contract=off", "-fno-math-errno", "-march=armv8.2-a+dotprod", "-static", "-DSKALD_ISA=neon",
                "-I" + SOURCES.resolve("include"), "-I" + SOURCES.resolve("cpu"), "-o", program.toString(), SOURCES.resolve("test/quantised_bits.c").toString()));
        try (Stream<Path> sources = Files.list(SOURCES.resolve("cpu"))) {
            sources.map(Path::toString).filter(f -> f.matches(".*/linear_q[^/]*\\.c")).sorted().forEach(command::add);
        }
        command.add("-lm");
        assertEquals("", run(command));
        Path cases = folder.resolve("cases");
        int count = write(cases);
        assertEquals(count + " cases, 0 wrong", run(List.of(emulator.get(), "-cpu", "max", program.toString(), cases.toString())).strip());
    }

    private static int write(Path file) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        int count = 0;
        for (DType type : QuantisedWeights.TYPES) {
            for (int rows : ROWS) {
                append(bytes, QuantisedWeights.random(type, 21, 512, 10 + rows), activations(rows, 512, rows));
                count++;
            }
            for (int fill : new int[] {0x00, 0xFF, 0x80, 0x7F}) {
                float[][] extreme = activations(4, 256, 9);
                for (int i = 0; i < 256; i++) {
                    extreme[0][i] = 1;
                    extreme[1][i] = -1;
                    extreme[2][i] = i == 7 ? Float.NaN : 1e30f;
                }
                append(bytes, QuantisedWeights.filled(type, 3, 256, fill, 0x3C00), extreme);
                count++;
            }
        }
        Files.write(file, bytes.toByteArray());
        return count;
    }

    private static void append(ByteArrayOutputStream to, Tensor tensor, float[][] rows) {
        int out = (int) tensor.shape().dim(0);
        int in = (int) tensor.shape().dim(1);
        DType layout = QuantPanels.layout(tensor.dtype());
        float[] bias = activations(1, out, 3)[0];
        try (Arena arena = Arena.ofConfined(); WorkerPool pool = new WorkerPool(1)) {
            MemorySegment packed = arena.allocate(QuantPanels.bytes(layout, out, in), 64);
            QuantPanels.pack(pool, List.of(tensor), in, packed);
            ByteBuffer buffer = ByteBuffer.allocate((int) (5 * 8 + packed.byteSize() + 4L * (rows.length * (in + out) + out))).order(ByteOrder.LITTLE_ENDIAN);
            buffer.putLong(ArgumentBlock.code(layout)).putLong(in).putLong(out).putLong(rows.length).putLong(packed.byteSize());
            buffer.put(packed.toArray(ValueLayout.JAVA_BYTE));
            for (float[] row : rows) for (float x : row) buffer.putFloat(x);
            for (float x : bias) buffer.putFloat(x);
            for (float[] row : rows) {
                for (float x : QuantisedLinearReference.linear(tensor.dtype(), tensor.data(), out, row, bias)) buffer.putFloat(x);
            }
            to.writeBytes(buffer.array());
        }
    }

    private static float[][] activations(int rows, int cols, long seed) {
        Random random = new Random(seed);
        float[][] values = new float[rows][cols];
        for (float[] row : values) for (int i = 0; i < cols; i++) row[i] = (float) random.nextGaussian();
        return values;
    }

    private static Optional<String> tool(String... names) {
        return Stream.of(names)
                .filter(name -> Stream.of(System.getenv().getOrDefault("PATH", "").split(":")).anyMatch(dir -> Files.isExecutable(Path.of(dir, name))))
                .findFirst();
    }

    private String run(List<String> command) throws IOException, InterruptedException {
        Path output = folder.resolve("output");
        Process process = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(output.toFile()).start();
        assertTrue(process.waitFor(TIMEOUT_SECONDS, TimeUnit.SECONDS), () -> "still running: " + command);
        return Files.readString(output);
    }
}
