package dev.skald.weights;

/**
 * A metadata value, found and bounded but not decoded: vocabularies are large, and who only looks at a model needs none of it.
 *
 * @param kind    its type
 * @param element type of an array's elements; {@code kind} itself for a scalar
 * @param count   elements; 1 for a scalar
 * @param at      first byte of the (first) element in the file
 */
record GgufValue(Kind kind, Kind element, long count, long at) {
    /** Value types in the order of their numbers in the file; bytes of each, 0 where they vary. */
    enum Kind {
        UINT8(1),
        INT8(1),
        UINT16(2),
        INT16(2),
        UINT32(4),
        INT32(4),
        FLOAT32(4),
        BOOL(1),
        STRING(0),
        ARRAY(0),
        UINT64(8),
        INT64(8),
        FLOAT64(8);

        private final int bytes;

        Kind(int bytes) {
            this.bytes = bytes;
        }

        int bytes() {
            return bytes;
        }

        boolean integer() {
            return switch (this) {
                case UINT8, INT8, UINT16, INT16, UINT32, INT32, UINT64, INT64 -> true;
                case FLOAT32, FLOAT64, BOOL, STRING, ARRAY -> false;
            };
        }

        boolean floating() {
            return this == FLOAT32 || this == FLOAT64;
        }

        static Kind read(GgufCursor cursor, String what) {
            long begin = cursor.at();
            int number = cursor.int32(what);
            if (number < 0 || number >= values().length) {
                throw cursor.bad(begin, what + " has the number " + Integer.toUnsignedString(number) + ", which no type has");
            }
            return values()[number];
        }
    }

    /** Reads past a value. @throws CheckpointException if it goes beyond the file or a limit */
    static GgufValue read(GgufCursor cursor, String key) {
        Kind kind = Kind.read(cursor, "the type of " + key);
        if (kind != Kind.ARRAY) {
            long at = cursor.at();
            skip(cursor, kind, 1, key);
            return new GgufValue(kind, kind, 1, at);
        }
        Kind element = Kind.read(cursor, "the element type of " + key);
        // nothing uses arrays of arrays; their nesting would have to be bounded
        if (element == Kind.ARRAY) throw cursor.bad(cursor.at(), key + " is an array of arrays, which is not supported");
        long count = cursor.count(GgufHeader.MAX_ARRAY, "the length of " + key);
        long at = cursor.at();
        skip(cursor, element, count, key);
        return new GgufValue(kind, element, count, at);
    }

    /** Steps over elements. */
    static void skip(GgufCursor cursor, Kind kind, long count, String key) {
        if (kind == Kind.STRING) {
            for (long i = 0; i < count; i++) cursor.skipString(GgufHeader.MAX_STRING_BYTES, key);
        } else {
            cursor.skip(count * kind.bytes(), key);
        }
    }
}
