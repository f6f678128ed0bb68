package dev.skald.text.jinja;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A dictionary in the order of insertion. Keys are equal as in Python: 1, 1.0 and True are one key. Immutable once handed out. */
final class Dict implements Value {
    record Entry(Value key, Value value) {}

    private final Map<Object, Entry> entries = new LinkedHashMap<>();

    /** Only while the dictionary is being made. @throws JinjaException for a key that has no hash */
    Dict put(Value key, Value value) {
        Object hashed = hashed(key);
        Entry old = entries.get(hashed);
        entries.put(hashed, new Entry(old == null ? key : old.key(), value));
        return this;
    }

    Dict put(String key, Value value) {
        return put(Str.trusted(key), value);
    }

    Optional<Value> get(Value key) {
        return Optional.ofNullable(entries.get(hashed(key))).map(Entry::value);
    }

    Optional<Value> get(String key) {
        return Optional.ofNullable(entries.get(key)).map(Entry::value);
    }

    Collection<Entry> entries() {
        return entries.values();
    }

    int size() {
        return entries.size();
    }

    List<Value> keys() {
        return entries.values().stream().map(Entry::key).toList();
    }

    List<Value> values() {
        return entries.values().stream().map(Entry::value).toList();
    }

    List<Value> items() {
        return entries.values().stream().map(e -> (Value) Seq.tuple(e.key(), e.value())).toList();
    }

    /** @return a Java object whose equality is Python's */
    static Object hashed(Value key) {
        return switch (key) {
            case Str s -> s.text();
            case Int i -> i.value();
            case Bool b -> java.math.BigInteger.valueOf(b.value() ? 1 : 0);
            case Real r -> whole(r.value());
            case None n -> n;
            case Seq s when s.tuple() -> {
                List<Object> parts = new ArrayList<>();
                for (Value item : s.items()) parts.add(hashed(item));
                yield parts;
            }
            case Undefined u -> Undefined.class;
            case Seq s -> throw JinjaException.type("unhashable type: 'list'");
            case Dict d -> throw JinjaException.type("unhashable type: 'dict'");
            case Range r -> r;
            case DictView v -> throw JinjaException.type("unhashable type: '" + v.type() + "'");
            case Generator g -> g;
            case Namespace n -> n;
            case Loop l -> l;
            case Callable c -> c;
        };
    }

    private static Object whole(double value) {
        if (value == Math.rint(value) && !Double.isInfinite(value)) return new java.math.BigDecimal(value).toBigInteger();
        return value;
    }
}
