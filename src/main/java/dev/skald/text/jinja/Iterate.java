package dev.skald.text.jinja;

import dev.skald.text.jinja.Value.DictView;
import dev.skald.text.jinja.Value.Generator;
import dev.skald.text.jinja.Value.Range;
import dev.skald.text.jinja.Value.Seq;
import dev.skald.text.jinja.Value.Undefined;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.OptionalInt;

/** What can be gone through, and how long it is. */
final class Iterate {
    private Iterate() {}

    /** @throws JinjaException if it can't be iterated */
    static Iterator<Value> over(Rendering rendering, Value value) {
        return over(rendering, value, "'%s' object is not iterable");
    }

    static Iterator<Value> over(Rendering rendering, Value value, String complaint) {
        return switch (value) {
            case Seq s -> s.items().iterator();
            case Str s -> characters(rendering, s);
            case Dict d -> d.keys().iterator();
            case DictView v -> items(v).iterator();
            case Generator g -> g.items();
            case Range r -> elements(r);
            case Undefined u -> List.<Value>of().iterator();
            case Loop l -> l;
            default -> throw JinjaException.type(String.format(complaint, value.type()));
        };
    }

    static boolean isIterable(Value value) {
        return switch (value) {
            case Seq s -> true;
            case Str s -> true;
            case Dict d -> true;
            case DictView v -> true;
            case Generator g -> true;
            case Range r -> true;
            case Undefined u -> true;
            case Loop l -> true;
            default -> false;
        };
    }

    /** All elements; each costs a step. */
    static List<Value> list(Rendering rendering, Value value) {
        List<Value> out = new ArrayList<>();
        Iterator<Value> items = over(rendering, value);
        while (items.hasNext()) {
            rendering.budget().step();
            out.add(items.next());
        }
        return out;
    }

    static OptionalInt length(Value value) {
        return switch (value) {
            case Seq s -> OptionalInt.of(s.items().size());
            case Str s -> OptionalInt.of(s.length());
            case Dict d -> OptionalInt.of(d.size());
            case DictView v -> OptionalInt.of(v.dict().size());
            case Range r -> OptionalInt.of(r.length());
            case Undefined u -> OptionalInt.of(0);
            case Loop l -> OptionalInt.of(l.length());
            default -> OptionalInt.empty();
        };
    }

    static List<Value> items(DictView view) {
        return switch (view.kind()) {
            case KEYS -> view.dict().keys();
            case VALUES -> view.dict().values();
            case ITEMS -> view.dict().items();
        };
    }

    private static Iterator<Value> elements(Range range) {
        return new Iterator<>() {
            private int next;

            @Override
            public boolean hasNext() {
                return next < range.length();
            }

            @Override
            public Value next() {
                if (!hasNext()) throw new NoSuchElementException();
                return range.at(next++);
            }
        };
    }

    private static Iterator<Value> characters(Rendering rendering, Str s) {
        return new Iterator<>() {
            private int at;

            @Override
            public boolean hasNext() {
                return at < s.text().length();
            }

            @Override
            public Value next() {
                if (!hasNext()) throw new NoSuchElementException();
                int end = at + Character.charCount(s.text().codePointAt(at));
                rendering.budget().chars(end - at);
                Str one = s.substring(at, end);
                at = end;
                return one;
            }
        };
    }
}
