package dev.skald.sampling;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PhiloxTest {
    /** The published known answers of Random123 for philox4x32-10: counter words, key words, result words. */
    @ParameterizedTest
    @CsvSource({
        "00000000 00000000 00000000 00000000, 00000000 00000000, 6627e8d5 e169c58d bc57ac4c 9b00dbd8",
        "ffffffff ffffffff ffffffff ffffffff, ffffffff ffffffff, 408f276d 41c83b0e a20bc7c6 6d5451fd",
        "243f6a88 85a308d3 13198a2e 03707344, a4093822 299f31d0, d16cfe09 94fdcceb 5001e420 24126ea1",
    })
    void gives_the_published_answers(String counter, String key, String expected) {
        int[] c = words(counter);
        int[] k = words(key);
        int[] e = words(expected);
        assertEquals(pair(e[1], e[0]), Philox.block(pair(c[0], c[1]), pair(c[2], c[3]), pair(k[0], k[1]), true));
        assertEquals(pair(e[3], e[2]), Philox.block(pair(c[0], c[1]), pair(c[2], c[3]), pair(k[0], k[1]), false));
    }

    @Test
    void the_counter_is_position_then_choice_then_purpose() {
        assertEquals(Philox.block(pair(7, 3), pair(5, 0), 42L, true), Philox.bits(42, 3, 7, 5));
        assertEquals(0x6627e8d5e169c58dL, Philox.bits(0, 0, 0, 0));
    }

    @Test
    void each_part_of_key_and_counter_matters() {
        Set<Long> seen = new HashSet<>();
        for (int bit = 0; bit < 64; bit++) seen.add(Philox.bits(1L << bit, 0, 0, 0));
        for (int bit = 0; bit < 32; bit++) {
            seen.add(Philox.bits(0, 1 << bit, 0, 0));
            seen.add(Philox.bits(0, 0, 1 << bit, 0));
            seen.add(Philox.bits(0, 0, 0, 1 << bit));
        }
        assertEquals(64 + 3 * 32, seen.size());
        assertNotEquals(Philox.bits(0, 0, 0, 0), Philox.bits(1, 0, 0, 0));
    }

    private static int[] words(String hex) {
        String[] parts = hex.trim().split(" ");
        int[] words = new int[parts.length];
        for (int i = 0; i < parts.length; i++) words[i] = Integer.parseUnsignedInt(parts[i], 16);
        return words;
    }

    private static long pair(int low, int high) {
        return low & 0xFFFFFFFFL | (long) high << 32;
    }
}
