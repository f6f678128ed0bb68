package dev.skald.weights;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The entries of a zip archive whose bytes can be used in place: stored, not compressed, not encrypted, each in a part of the file of its own.
 * ZIP64 is read.
 *
 * @param entries by name
 */
record ZipDirectory(Map<String, Entry> entries) {
    static final int MAX_ENTRIES = 1 << 20;
    private static final int MAX_NAME_BYTES = 1 << 10;
    private static final int END = 0x06054b50;
    private static final int END_BYTES = 22;
    private static final int END64 = 0x06064b50;
    private static final int END64_BYTES = 56;
    private static final int LOCATOR64 = 0x07064b50;
    private static final int LOCATOR64_BYTES = 20;
    private static final int CENTRAL = 0x02014b50;
    private static final int CENTRAL_BYTES = 46;
    private static final int LOCAL = 0x04034b50;
    private static final int LOCAL_BYTES = 30;
    private static final int EXTRA64 = 1;
    private static final int MAX_COMMENT = 0xFFFF;
    private static final long NONE32 = 0xFFFF_FFFFL;

    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** @param header first byte of the local header @param begin first byte of the content @param bytes of the content */
    record Entry(long header, long begin, long bytes) {
        long end() {
            return begin + bytes;
        }
    }

    private record Directory(long begin, long bytes, long entries) {}

    /** Whether the file begins like a zip archive with at least one entry. */
    static boolean isZip(MemorySegment mapped) {
        return mapped.byteSize() >= LOCAL_BYTES && mapped.get(INT, 0) == LOCAL;
    }

    /** @param file for messages @param mapped the whole file @throws CheckpointException */
    static ZipDirectory read(String file, MemorySegment mapped) {
        try {
            return new Parser(file, mapped).read();
        } catch (IndexOutOfBoundsException e) {
            throw new CheckpointException(file + " is damaged: its zip directory points outside the file", e);
        }
    }

    private record Parser(String file, MemorySegment mapped) {
        ZipDirectory read() {
            Directory directory = directory();
            if (directory.entries > MAX_ENTRIES) throw bad("has " + Long.toUnsignedString(directory.entries) + " entries, more than " + MAX_ENTRIES);
            if (directory.begin < 0 || directory.bytes < 0 || directory.bytes > mapped.byteSize() - directory.begin) throw bad("points outside the file");
            MemorySegment central = mapped.asSlice(directory.begin, directory.bytes);
            Map<String, Entry> entries = new LinkedHashMap<>();
            long at = 0;
            for (long i = 0; i < directory.entries; i++) {
                if (central.get(INT, at) != CENTRAL) throw bad("has no entry where number " + i + " belongs");
                int nameBytes = unsigned(central, at + 28);
                int extraBytes = unsigned(central, at + 30);
                int commentBytes = unsigned(central, at + 32);
                String name = name(central, at + CENTRAL_BYTES, nameBytes);
                if (entries.put(name, entry(name, central, at, central.asSlice(at + CENTRAL_BYTES + nameBytes, extraBytes))) != null) {
                    throw bad("has " + Printable.of(name) + " twice");
                }
                at += CENTRAL_BYTES + nameBytes + extraBytes + commentBytes;
            }
            checkOverlaps(entries, directory.begin);
            return new ZipDirectory(entries);
        }

        /** The end record, searched from the back: an archive may end with a comment. */
        private Directory directory() {
            long last = mapped.byteSize() - END_BYTES;
            for (long at = last; at >= Math.max(0, last - MAX_COMMENT); at--) {
                if (mapped.get(INT, at) != END || at + END_BYTES + unsigned(mapped, at + 20) != mapped.byteSize()) continue;
                long entries = unsigned(mapped, at + 10);
                long bytes = Integer.toUnsignedLong(mapped.get(INT, at + 12));
                long begin = Integer.toUnsignedLong(mapped.get(INT, at + 16));
                boolean wide = at >= LOCATOR64_BYTES && mapped.get(INT, at - LOCATOR64_BYTES) == LOCATOR64;
                return wide ? directory64(mapped.get(LONG, at - LOCATOR64_BYTES + 8)) : new Directory(begin, bytes, entries);
            }
            throw bad("is missing: the file is cut off");
        }

        private Directory directory64(long at) {
            if (at < 0 || at > mapped.byteSize() - END64_BYTES || mapped.get(INT, at) != END64) throw bad("(ZIP64) is missing");
            long entries = mapped.get(LONG, at + 32);
            if (entries < 0) throw bad("has " + Long.toUnsignedString(entries) + " entries");
            return new Directory(mapped.get(LONG, at + 48), mapped.get(LONG, at + 40), entries);
        }

        private Entry entry(String name, MemorySegment central, long at, MemorySegment extra) {
            String what = Printable.of(name);
            int flags = unsigned(central, at + 8);
            int method = unsigned(central, at + 10);
            if ((flags & 1) != 0) throw new CheckpointException(file + " is refused: its entry " + what + " is encrypted");
            if (method != 0) throw new CheckpointException(file + " is refused: its entry " + what + " is compressed; weights are read in place");
            long packed = Integer.toUnsignedLong(central.get(INT, at + 20));
            long bytes = Integer.toUnsignedLong(central.get(INT, at + 24));
            long header = Integer.toUnsignedLong(central.get(INT, at + 42));
            MemorySegment wide = extra64(extra);
            long next = 0;
            if (bytes == NONE32) bytes = wide.get(LONG, (next += 8) - 8);
            if (packed == NONE32) packed = wide.get(LONG, (next += 8) - 8);
            if (header == NONE32) header = wide.get(LONG, next);
            if (packed != bytes) throw bad("gives the stored entry " + what + " two sizes");
            if (header < 0 || header > mapped.byteSize() - LOCAL_BYTES || mapped.get(INT, header) != LOCAL) throw bad("has no " + what + " where it says");
            int nameBytes = unsigned(mapped, header + 26);
            if (!name(mapped, header + LOCAL_BYTES, nameBytes).equals(name)) throw bad("calls the entry " + what + " otherwise than its own header does");
            long begin = header + LOCAL_BYTES + nameBytes + unsigned(mapped, header + 28);
            if (bytes < 0 || begin > mapped.byteSize() || bytes > mapped.byteSize() - begin) throw bad("has the entry " + what + " reach beyond the file");
            return new Entry(header, begin, bytes);
        }

        /** The ZIP64 fields of an entry; empty if it has none. */
        private MemorySegment extra64(MemorySegment extra) {
            long at = 0;
            while (at + 4 <= extra.byteSize()) {
                int size = unsigned(extra, at + 2);
                if (unsigned(extra, at) == EXTRA64) return extra.asSlice(at + 4, size);
                at += 4 + size;
            }
            return extra.asSlice(0, 0);
        }

        private String name(MemorySegment from, long at, int bytes) {
            if (bytes > MAX_NAME_BYTES) throw bad("has a name of " + bytes + " bytes");
            return new String(from.asSlice(at, bytes).toArray(ValueLayout.JAVA_BYTE), StandardCharsets.UTF_8);
        }

        private void checkOverlaps(Map<String, Entry> entries, long directoryBegin) {
            List<Map.Entry<String, Entry>> ascending = new ArrayList<>(entries.entrySet());
            ascending.sort(Comparator.comparingLong(e -> e.getValue().header()));
            long at = 0;
            for (Map.Entry<String, Entry> e : ascending) {
                if (e.getValue().header() < at) throw bad("has the entry " + Printable.of(e.getKey()) + " overlap another one");
                at = e.getValue().end();
            }
            if (at > directoryBegin) throw bad("overlaps an entry");
        }

        private CheckpointException bad(String what) {
            return new CheckpointException(file + " is damaged: its zip directory " + what);
        }

        private static int unsigned(MemorySegment from, long at) {
            return Short.toUnsignedInt(from.get(SHORT, at));
        }
    }
}
