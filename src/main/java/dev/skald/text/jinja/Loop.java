package dev.skald.text.jinja;

import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.function.BiFunction;

/** The variable {@code loop} of one run of a for loop, which moves it on. */
final class Loop implements Value, Iterator<Value> {
    private final List<Value> items;
    private final int depth0;
    /** Renders the loop's body for other items; empty unless the loop is recursive. */
    private final Optional<BiFunction<Rendering, Value, Value>> recurse;
    private int index0 = -1;
    private List<Value> lastChanged;

    Loop(List<Value> items, int depth0, Optional<BiFunction<Rendering, Value, Value>> recurse) {
        this.items = items;
        this.depth0 = depth0;
        this.recurse = recurse;
    }

    int index0() {
        return index0;
    }

    int depth0() {
        return depth0;
    }

    int length() {
        return items.size();
    }

    @Override
    public boolean hasNext() {
        return index0 + 1 < items.size();
    }

    @Override
    public Value next() {
        if (!hasNext()) throw new NoSuchElementException();
        return items.get(++index0);
    }

    Optional<Value> attribute(String name) {
        int n = items.size();
        return switch (name) {
            case "index" -> Optional.of(Value.of(index0 + 1));
            case "index0" -> Optional.of(Value.of(index0));
            case "revindex" -> Optional.of(Value.of(n - index0));
            case "revindex0" -> Optional.of(Value.of(n - index0 - 1));
            case "first" -> Optional.of(Value.of(index0 == 0));
            case "last" -> Optional.of(Value.of(index0 == n - 1));
            case "length" -> Optional.of(Value.of(n));
            case "depth" -> Optional.of(Value.of(depth0 + 1));
            case "depth0" -> Optional.of(Value.of(depth0));
            case "previtem" -> Optional.of(index0 > 0 ? items.get(index0 - 1) : new Undefined("there is no previous item", false));
            case "nextitem" -> Optional.of(index0 + 1 < n ? items.get(index0 + 1) : new Undefined("there is no next item", false));
            case "cycle" -> Access.method("cycle", (rendering, args) -> {
                if (args.positional().isEmpty()) throw JinjaException.type("no items for cycling given");
                return args.positional().get(index0 % args.positional().size());
            });
            case "changed" -> Access.method("changed", (rendering, args) -> changed(args.positional()));
            default -> Optional.empty();
        };
    }

    private Value changed(List<Value> values) {
        boolean same = lastChanged != null && Compare.equal(Seq.tuple(lastChanged), Seq.tuple(values));
        lastChanged = List.copyOf(values);
        return Value.of(!same);
    }

    Value call(Rendering rendering, Args args) {
        if (recurse.isEmpty()) throw JinjaException.type("The loop must have the 'recursive' marker to be called recursively.");
        return recurse.get().apply(rendering, args.bind("loop", "iterable").need("iterable"));
    }
}
