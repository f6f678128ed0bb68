package dev.skald.text.jinja;

import java.math.BigInteger;
import java.util.Iterator;
import java.util.List;

/**
 * A value of the language, with Python's meaning. All are immutable, as the sandbox wants it, but a {@link Namespace}, whose attributes can
 * be set, and a {@link Generator}, which is read once. None of them relies on {@code equals}: {@link Compare} has Python's equality.
 */
sealed interface Value permits Value.Undefined, Value.None, Value.Bool, Value.Int, Value.Real, Str, Value.Seq, Dict, Value.Range, Value.DictView,
        Value.Generator, Namespace, Loop, Value.Callable {
    /** Whole numbers of more bits are beyond any template's need and could take any time to compute with. */
    int MAX_INT_BITS = 4096;

    Value NONE = None.NONE;
    Bool TRUE = new Bool(true);
    Bool FALSE = new Bool(false);
    Str EMPTY = Str.trusted("");

    static Bool of(boolean value) {
        return value ? TRUE : FALSE;
    }

    static Int of(long value) {
        return new Int(BigInteger.valueOf(value));
    }

    /** Python's name of the type. */
    default String type() {
        return switch (this) {
            case Undefined u -> "Undefined";
            case None n -> "NoneType";
            case Bool b -> "bool";
            case Int i -> "int";
            case Real r -> "float";
            case Str s -> s.markup() ? "Markup" : "str";
            case Seq s -> s.tuple() ? "tuple" : "list";
            case Dict d -> "dict";
            case Range r -> "range";
            case Generator g -> "generator";
            case DictView v -> "dict_" + v.kind().name().toLowerCase(java.util.Locale.ROOT);
            case Namespace n -> "Namespace";
            case Loop l -> "LoopContext";
            case Callable c -> "function";
        };
    }

    /**
     * What isn't there: prints as nothing, is false and empty, and raises when more is asked of it.
     *
     * @param message  what to raise
     * @param security what the sandbox hides, rather than what is missing
     */
    record Undefined(String message, boolean security) implements Value {
        static Undefined named(String name) {
            return new Undefined(Repr.quote(name) + " is undefined", false);
        }

        JinjaException error() {
            return new JinjaException(security ? JinjaException.Kind.SECURITY : JinjaException.Kind.UNDEFINED, message);
        }
    }

    enum None implements Value {
        NONE
    }

    record Bool(boolean value) implements Value {}

    record Int(BigInteger value) implements Value {
        public Int {
            if (value.bitLength() > MAX_INT_BITS) throw JinjaException.limit("A number has more than " + MAX_INT_BITS + " bits");
        }
    }

    record Real(double value) implements Value {}

    /**
     * A list or a tuple.
     *
     * @param names of a named tuple's elements, else empty
     */
    record Seq(List<Value> items, boolean tuple, List<String> names) implements Value {
        static Seq list(List<Value> items) {
            return new Seq(items, false, List.of());
        }

        static Seq tuple(List<Value> items) {
            return new Seq(items, true, List.of());
        }

        static Seq tuple(Value... items) {
            return tuple(List.of(items));
        }
    }

    /** {@code range(start, stop, step)}. */
    record Range(long start, long stop, long step) implements Value {
        /** As Python's sandbox has it. */
        static final int MAX_LENGTH = 100_000;

        int length() {
            long span = step > 0 ? stop - start : start - stop;
            long stride = Math.abs(step);
            return span <= 0 ? 0 : (int) Math.min(Integer.MAX_VALUE, (span + stride - 1) / stride);
        }

        Value at(int index) {
            return of(start + index * step);
        }
    }

    /** What map, select and their like give: true whatever is in it, without a length, read once. */
    record Generator(Iterator<Value> items) implements Value {}

    record DictView(Kind kind, Dict dict) implements Value {
        enum Kind {
            KEYS, VALUES, ITEMS
        }
    }

    /** Something that can be called. */
    non-sealed interface Callable extends Value {
        String name();

        Value call(Rendering rendering, Args args);
    }
}
