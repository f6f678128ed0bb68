package dev.skald.tensor;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Goldens: golden/blocks, by make_goldens.py. */
class BlocksTest {
    static Stream<DType> quantisedTypes() {
        return Arrays.stream(DType.values()).filter(DType::quantised);
    }

    @ParameterizedTest
    @MethodSource("quantisedTypes")
    void everyElementIsBitForBitWhatTheFormatSays(DType type) throws IOException {
        byte[] blocks = golden(type + ".blocks");
        float[] expected = new float[blocks.length / type.blockBytes() * type.blockElements()];
        ByteBuffer.wrap(golden(type + ".f32")).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(expected);
        assertTrue(expected.length >= 1024, "too few goldens");

        float[] all = new float[expected.length];
        Blocks.dequantise(type, MemorySegment.ofArray(blocks), 0, all);

        for (int i = 0; i < all.length; i++) {
            assertEquals(Float.floatToRawIntBits(expected[i]), Float.floatToRawIntBits(all[i]), type + " element " + i + ": " + all[i]);
        }
    }

    @ParameterizedTest
    @MethodSource("quantisedTypes")
    void aBlockTakenApartIsPutTogetherByteForByte(DType type) throws IOException {
        byte[] bytes = golden(type + ".blocks");
        byte[] again = new byte[bytes.length];
        Block block = new Block(type);
        for (int i = 0; i < bytes.length / type.blockBytes(); i++) {
            block.read(MemorySegment.ofArray(bytes), i);
            block.write(MemorySegment.ofArray(again), i);
        }
        assertArrayEquals(bytes, again);
    }

    @ParameterizedTest
    @MethodSource("quantisedTypes")
    void partsOfARowAreReadByWholeBlocksOnly(DType type) throws IOException {
        MemorySegment blocks = MemorySegment.ofArray(golden(type + ".blocks"));
        int n = type.blockElements();
        float[] three = new float[3 * n];
        float[] last = new float[n];
        Blocks.dequantise(type, blocks, 0, three);
        Blocks.dequantise(type, blocks, 2 * n, last);
        assertArrayEquals(Arrays.copyOfRange(three, 2 * n, 3 * n), last);
        assertThrows(IllegalArgumentException.class, () -> Blocks.dequantise(type, blocks, 1, new float[n]));
        assertThrows(IllegalArgumentException.class, () -> Blocks.dequantise(type, blocks, 0, new float[n - 1]));
    }

    @Test
    void groupsTileTheirBlocks() {
        quantisedTypes().forEach(type -> {
            Block block = new Block(type);
            assertEquals(type.blockElements(), block.groups() * block.groupElements(), type.toString());
        });
        assertThrows(IllegalArgumentException.class, () -> new Block(DType.F16));
    }

    @Test
    void unquantisedTypesAreWidened() {
        byte[] bf16 = {(byte) 0x80, 0x3f, 0x20, (byte) 0xc0};
        float[] out = new float[1];
        Blocks.dequantise(DType.BF16, MemorySegment.ofArray(bf16), 1, out);
        assertEquals(-2.5f, out[0]);
    }

    private static byte[] golden(String name) throws IOException {
        try (InputStream in = BlocksTest.class.getResourceAsStream("/golden/blocks/" + name)) {
            if (in == null) throw new IOException("no golden/blocks/" + name);
            return in.readAllBytes();
        }
    }
}
