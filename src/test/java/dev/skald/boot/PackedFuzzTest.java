package dev.skald.boot;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import dev.skald.compute.BatchLimits;
import dev.skald.compute.cpu.CpuDevice;
import dev.skald.compute.cpu.CpuOptions;
import dev.skald.model.Decoder;
import dev.skald.model.DecoderSpec;
import dev.skald.model.LoadOptions;
import dev.skald.model.ModelException;
import dev.skald.model.TinyModels;
import dev.skald.model.family.Families;
import dev.skald.quantize.Progress;
import dev.skald.weights.CheckpointException;
import dev.skald.weights.NewFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A whole packed model with a damaged manifest or configuration is loaded into the CPU device, or refused by an exception that names the file.
 * Most damage is to where things are and how large; half of the files are sealed again, so that the header agrees with what follows it.
 */
class PackedFuzzTest {
    private static final BatchLimits LIMITS = new BatchLimits(8, 2, 2, 16, 4);
    private static final String NAME = "model.skald";
    private static final String[] NUMBERS = {"0", "1", "-1", "63", "64", "128", "65536", "2147483647", "2147483648", "4294967296", "9223372036854775807",
        "9223372036854775808", "1e30", "\"a\"", "[]", "null", "0.5"};
    private static final String[] WORDS = {"F32", "F16", "Q4_0", "Q8_0", "Q6_K", "I32", "linear", "embedding", "model.norm.weight", "", "rows", "range"};
    /** Weights and decoder buffers of so many files share a device. */
    private static final int FILES_PER_DEVICE = 100;

    @TempDir
    Path folder;

    @Test
    void aSampleOfMutatedFilesIsLoadedOrRefusedByName() throws IOException {
        mutate(1_000, 1);
    }

    @Tag("slow")
    @Test
    void mutatedFilesAreLoadedOrRefusedByName() throws IOException {
        mutate(20_000, 2);
    }

    private void mutate(int files, long firstSeed) throws IOException {
        byte[] valid = valid();
        int refused = 0;
        CpuDevice device = CpuDevice.open(CpuOptions.java(1));
        try {
            for (int i = 0; i < files; i++) {
                if (i % FILES_PER_DEVICE == 0) {
                    device.close();
                    device = CpuDevice.open(CpuOptions.java(1));
                }
                long seed = firstSeed * 1_000_003 + i;
                Path file = Files.write(folder.resolve(NAME), mutated(valid, new Random(seed)));
                try (ModelSource source = ModelSource.open(file)) {
                    DecoderSpec spec = Families.spec(source.config());
                    Decoder.load(spec, source.checkpoint(), device, LIMITS, new LoadOptions(Optional.empty(), 16));
                    source.specialTokens();
                    source.chatTemplateText();
                } catch (CheckpointException | ModelException e) {
                    refused++;
                    assertTrue(e.getMessage().contains(NAME), () -> "seed " + seed + ": no file is named by: " + e.getMessage());
                    assertTrue(e.getMessage().length() < 2_000, () -> "seed " + seed + ": a message of " + e.getMessage().length() + " characters");
                } catch (RuntimeException | Error e) {
                    fail("seed " + seed, e);
                }
            }
        } finally {
            device.close();
        }
        int all = refused;
        assertTrue(refused > files / 4 && refused < files, () -> all + " of " + files + " were refused");
    }

    private byte[] valid() throws IOException {
        Path model = TinyModels.DEFAULT.withBias().withTiedHead().write(Files.createDirectory(folder.resolve("source")), 1);
        Files.writeString(model.resolve("tokenizer.json"), "{}");
        Path file = folder.resolve(NAME);
        try (NewFile target = NewFile.create(file, true)) {
            ModelExport.toPacked(model, Optional.empty(), target, 1, Progress.NONE);
        }
        return Files.readAllBytes(file);
    }

    /** Texts are the configuration, behind the header, and the manifest, at the end. */
    private static byte[] mutated(byte[] valid, Random random) {
        ByteBuffer header = ByteBuffer.wrap(valid).order(ByteOrder.LITTLE_ENDIAN);
        int manifest = (int) header.getLong(24);
        if (random.nextInt(10) == 0) {
            byte[] bytes = valid.clone();
            int at = random.nextInt(4) > 0 ? random.nextInt(40) : random.nextInt(bytes.length);
            bytes[at] = (byte) random.nextInt(256);
            return bytes;
        }
        StringBuilder text = new StringBuilder(new String(valid, manifest, valid.length - manifest, StandardCharsets.UTF_8));
        byte[] body = java.util.Arrays.copyOf(valid, manifest);
        for (int wounds = 1 + random.nextInt(3); wounds > 0; wounds--) {
            if (random.nextInt(4) == 0) body[40 + random.nextInt(700)] = (byte) ('0' + random.nextInt(80));
            else wound(text, random);
        }
        byte[] end = text.toString().getBytes(StandardCharsets.UTF_8);
        byte[] bytes = java.util.Arrays.copyOf(body, manifest + end.length);
        System.arraycopy(end, 0, bytes, manifest, end.length);
        if (random.nextInt(8) > 0) ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putLong(16, bytes.length).putLong(32, end.length);
        return bytes;
    }

    /** Replaces a number or a word by another, or removes or repeats something. */
    private static void wound(StringBuilder text, Random random) {
        int at = random.nextInt(text.length());
        switch (random.nextInt(6)) {
            case 0, 1, 2 -> replace(text, at, Character::isDigit, NUMBERS[random.nextInt(NUMBERS.length)]);
            case 3 -> replace(text, at, c -> Character.isLetterOrDigit(c) || c == '_' || c == '.', WORDS[random.nextInt(WORDS.length)]);
            case 4 -> text.delete(at, Math.min(text.length(), at + 1 + random.nextInt(20)));
            default -> text.insert(at, text.substring(at, Math.min(text.length(), at + 1 + random.nextInt(40))));
        }
    }

    /** The first run from {@code at} on. */
    private static void replace(StringBuilder text, int at, java.util.function.IntPredicate of, String by) {
        int begin = at;
        while (begin < text.length() && !of.test(text.charAt(begin))) begin++;
        int end = begin;
        while (end < text.length() && of.test(text.charAt(end))) end++;
        text.replace(begin, end, by);
    }
}
