package dev.skald.weights;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a pickle of tensors can hold. Values refer to each other as the pickle says, in cycles too: nobody may walk through them without a
 * bound, print or compare them.
 */
sealed interface PickleValue {
    record Text(String text) implements PickleValue {}

    record Int(long value) implements PickleValue {}

    record Real(double value) implements PickleValue {}

    record Bool(boolean value) implements PickleValue {}

    record None() implements PickleValue {}

    record Tuple(List<PickleValue> elements) implements PickleValue {}

    /** A name of Python's that may stand in such a file. */
    record Global(PickleGlobal name) implements PickleValue {}

    /** Where elements lie. @param key names the archive's entry @param count elements */
    record Storage(TorchType type, String key, long count) implements PickleValue {}

    /** A view of a storage. Offset and strides in elements. */
    record View(Storage storage, long offset, long[] sizes, long[] strides) implements PickleValue {}

    /** dict and OrderedDict, by text keys; filled while it is read. */
    final class Dict implements PickleValue {
        private final Map<String, PickleValue> entries = new LinkedHashMap<>();

        Map<String, PickleValue> entries() {
            return entries;
        }
    }

    /** In Python's words, for messages. */
    static String kind(PickleValue value) {
        return switch (value) {
            case Text t -> "a str";
            case Int i -> "an int";
            case Real r -> "a float";
            case Bool b -> "a bool";
            case None n -> "None";
            case Tuple t -> "a tuple";
            case Global g -> g.name().toString();
            case Storage s -> "a storage";
            case View v -> "a tensor";
            case Dict d -> "a dict";
        };
    }

    static Optional<Storage> storage(PickleValue value) {
        return value instanceof Storage s ? Optional.of(s) : Optional.empty();
    }
}
