package dev.skald.model;

import dev.skald.compute.DeviceInfo;
import dev.skald.tensor.DType;
import dev.skald.tensor.Tensor;
import dev.skald.weights.Checkpoint;
import dev.skald.weights.PackedCheckpoint;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * Names what has to be equal for results to be bitwise equal: version of the arithmetic, device, instruction set, types, and the model, of
 * which names, shapes and the first 4 KiB of each tensor are hashed: reading it all would take longer than loading.
 */
public final class Fingerprint {
    /** Raised by hand whenever any device may give other bits than before. */
    public static final int NUMERICS_VERSION = 1;

    private static final long HASHED_BYTES = 4096;
    private static final int SHOWN_BYTES = 8;

    private Fingerprint() {}

    /** @return e.g. {@code "1-reference-java-scalar-auto-f16-0f3c…"}, without spaces */
    public static String of(DecoderSpec spec, Checkpoint checkpoint, DeviceInfo device, LoadOptions options, DType kvDtype) {
        String weights = options.dtype().map(DType::name).orElse("AUTO");
        return String.join(
                        "-",
                        Integer.toString(NUMERICS_VERSION),
                        device.backend(),
                        device.isa(),
                        weights,
                        kvDtype.name(),
                        model(spec, checkpoint))
                .toLowerCase(java.util.Locale.ROOT)
                .replace(' ', '_');
    }

    /** Hash of what the model is, in hex: its spec, and each tensor that it uses. */
    static String model(DecoderSpec spec, Checkpoint checkpoint) {
        // Results are those of the model that it was packed from.
        if (checkpoint instanceof PackedCheckpoint packed) return packed.modelHash();
        MessageDigest hash = sha256();
        update(hash, spec.toString());
        for (String name : ExpectedTensors.of(spec).names()) {
            Tensor tensor = checkpoint.tensor(name);
            update(hash, name + " " + tensor.dtype() + " " + tensor.shape());
            MemorySegment start = tensor.data().asSlice(0, Math.min(HASHED_BYTES, tensor.data().byteSize()));
            hash.update(start.asByteBuffer());
        }
        return HexFormat.of().formatHex(hash.digest(), 0, SHOWN_BYTES);
    }

    private static void update(MessageDigest hash, String text) {
        hash.update(text.getBytes(StandardCharsets.UTF_8));
        hash.update((byte) 0);
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }
}
