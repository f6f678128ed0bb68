package dev.skald.text.jinja;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Turns a caller's JSON values into the language's: strings are foreign unless they are {@link OwnText}. */
final class Variables {
    private Variables() {}

    /** @param value null, Boolean, Number, CharSequence, {@link OwnText}, or a List or Map (keys by toString) of such */
    static Value of(Object value) {
        return of(value, 0);
    }

    private static Value of(Object value, int depth) {
        if (depth > Compare.MAX_NESTING) throw JinjaException.limit("Values are nested more than " + Compare.MAX_NESTING + " levels deep");
        return switch (value) {
            case null -> Value.NONE;
            case Boolean b -> Value.of(b);
            case Integer i -> Value.of(i);
            case Long l -> Value.of(l);
            case Short s -> Value.of(s);
            case Byte b -> Value.of(b);
            case BigInteger i -> new Value.Int(i);
            case BigDecimal d -> new Value.Real(d.doubleValue());
            case Number n -> new Value.Real(n.doubleValue());
            case OwnText own -> Str.trusted(own.text());
            case CharSequence s -> Str.foreign(s.toString());
            case List<?> list -> {
                List<Value> items = new ArrayList<>(list.size());
                for (Object item : list) items.add(of(item, depth + 1));
                yield Value.Seq.list(items);
            }
            case Map<?, ?> map -> {
                Dict dict = new Dict();
                map.forEach((key, item) -> dict.put(Str.foreign(key.toString()), of(item, depth + 1)));
                yield dict;
            }
            default -> throw new IllegalArgumentException("no value for a template: " + value.getClass().getName());
        };
    }
}
