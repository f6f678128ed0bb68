package dev.skald.text.jinja;

import dev.skald.text.jinja.Value.Generator;
import dev.skald.text.jinja.Value.Seq;
import dev.skald.text.jinja.Value.Undefined;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;

/** Filters that go through something. */
final class SequenceFilters {
    static final Map<String, Filter> ALL = Map.ofEntries(
            Map.entry("length", (r, v, a) -> length(v, a)),
            Map.entry("count", (r, v, a) -> length(v, a)),
            Map.entry("first", (r, v, a) -> first(r, v, a)),
            Map.entry("last", (r, v, a) -> last(r, v, a)),
            Map.entry("list", Filters.bare("list", (r, v) -> Seq.list(Iterate.list(r, v)))),
            Map.entry("join", SequenceFilters::join),
            Map.entry("reverse", (r, v, a) -> reverse(r, v, a)),
            Map.entry("sort", SequenceFilters::sort),
            Map.entry("unique", SequenceFilters::unique),
            Map.entry("min", (r, v, a) -> extreme(r, v, a, "min")),
            Map.entry("max", (r, v, a) -> extreme(r, v, a, "max")),
            Map.entry("sum", SequenceFilters::sum),
            Map.entry("map", SequenceFilters::map),
            Map.entry("select", (r, v, a) -> select(r, v, a, false, true)),
            Map.entry("reject", (r, v, a) -> select(r, v, a, false, false)),
            Map.entry("selectattr", (r, v, a) -> select(r, v, a, true, true)),
            Map.entry("rejectattr", (r, v, a) -> select(r, v, a, true, false)),
            Map.entry("groupby", SequenceFilters::groupBy),
            Map.entry("batch", SequenceFilters::batch),
            Map.entry("slice", SequenceFilters::slices));

    private SequenceFilters() {}

    private static Value length(Value value, Args args) {
        args.bind("length");
        return Value.of(Iterate.length(value).orElseThrow(() -> JinjaException.type("object of type '" + value.type() + "' has no len()")));
    }

    private static Value first(Rendering rendering, Value value, Args args) {
        args.bind("first");
        Iterator<Value> items = Iterate.over(rendering, value);
        return items.hasNext() ? items.next() : new Undefined("No first item, sequence was empty.", false);
    }

    private static Value last(Rendering rendering, Value value, Args args) {
        args.bind("last");
        List<Value> items = reversible(rendering, value).orElseThrow(() -> JinjaException.type("'" + value.type() + "' object is not reversible"));
        return items.isEmpty() ? new Undefined("No last item, sequence was empty.", false) : items.getLast();
    }

    private static Optional<List<Value>> reversible(Rendering rendering, Value value) {
        return value instanceof Generator || value instanceof Loop || !Iterate.isIterable(value)
                ? Optional.empty() : Optional.of(Iterate.list(rendering, value));
    }

    private static Value join(Rendering rendering, Value value, Args args) {
        Args.Bound bound = args.bind("join", "d", "attribute");
        Str separator = bound.optional("d").map(d -> Repr.str(rendering, d)).orElse(Value.EMPTY);
        UnaryOperator<Value> attribute = attribute(rendering, bound.some("attribute"), Optional.empty());
        StrBuilder out = rendering.builder();
        boolean first = true;
        for (Value item : Iterate.list(rendering, value)) {
            if (!first) out.append(separator);
            first = false;
            out.append(Repr.str(rendering, attribute.apply(item)));
        }
        return out.build();
    }

    private static Value reverse(Rendering rendering, Value value, Args args) {
        args.bind("reverse");
        List<Value> items = new ArrayList<>(Iterate.list(rendering, value));
        Collections.reverse(items);
        if (!(value instanceof Str)) return value instanceof Generator ? Seq.list(items) : new Generator(items.iterator());
        StrBuilder out = rendering.builder();
        for (Value item : items) out.append((Str) item);
        return out.build();
    }

    static Value ignoreCase(Value value) {
        return value instanceof Str s ? s.become(Chars.lower(s.text())) : value;
    }

    /** Stable; each comparison costs a step. */
    static List<Value> sorted(Rendering rendering, List<Value> items, boolean reverse, UnaryOperator<Value> key) {
        record Keyed(Value key, Value item) {}
        List<Keyed> keyed = new ArrayList<>();
        for (Value item : items) keyed.add(new Keyed(key.apply(item), item));
        // a reversed comparison keeps equal elements in their order, as Python's reverse does
        keyed.sort((a, b) -> {
            rendering.budget().step();
            return reverse ? Compare.compare(b.key, a.key) : Compare.compare(a.key, b.key);
        });
        return keyed.stream().map(Keyed::item).toList();
    }

    private static Value sort(Rendering rendering, Value value, Args args) {
        Args.Bound bound = args.bind("sort", "reverse", "case_sensitive", "attribute");
        boolean sensitive = bound.truth("case_sensitive", false);
        UnaryOperator<Value> attributes = attributes(rendering, bound.some("attribute"), sensitive);
        return Seq.list(sorted(rendering, Iterate.list(rendering, value), bound.truth("reverse", false), attributes));
    }

    /** "a,b": a list of both is the key. */
    private static UnaryOperator<Value> attributes(Rendering rendering, Optional<Value> names, boolean sensitive) {
        UnaryOperator<Value> cased = v -> sensitive ? v : ignoreCase(v);
        if (names.isEmpty() || !(names.get() instanceof Str s) || !s.text().contains(",")) {
            UnaryOperator<Value> one = attribute(rendering, names, Optional.empty());
            return item -> cased.apply(one.apply(item));
        }
        List<UnaryOperator<Value>> all = new ArrayList<>();
        for (String name : s.text().split(",")) all.add(attribute(rendering, Optional.of(Str.trusted(name)), Optional.empty()));
        return item -> Seq.list(all.stream().map(one -> cased.apply(one.apply(item))).toList());
    }

    /** @param name of an attribute, with dots and numbers; empty: the item itself */
    private static UnaryOperator<Value> attribute(Rendering rendering, Optional<Value> name, Optional<Value> otherwise) {
        if (name.isEmpty()) return item -> item;
        List<Value> parts = new ArrayList<>();
        if (name.get() instanceof Str s) {
            for (String part : s.text().split("\\.", -1)) {
                boolean number = !part.isEmpty() && part.chars().allMatch(Character::isDigit);
                parts.add(number ? Value.of(FormatSpec.number(part, 0)) : Str.trusted(part));
            }
        } else {
            parts.add(name.get());
        }
        return item -> {
            Value found = item;
            for (Value part : parts) {
                found = Access.item(rendering, found, part);
                if (found instanceof Undefined && otherwise.isPresent()) found = otherwise.get();
            }
            return found;
        };
    }

    private static Value unique(Rendering rendering, Value value, Args args) {
        Args.Bound bound = args.bind("unique", "case_sensitive", "attribute");
        boolean sensitive = bound.truth("case_sensitive", false);
        UnaryOperator<Value> attribute = attribute(rendering, bound.some("attribute"), Optional.empty());
        Set<Object> seen = new HashSet<>();
        return lazily(rendering, value, item -> {
            Value key = attribute.apply(item);
            return seen.add(Dict.hashed(sensitive ? key : ignoreCase(key)));
        }, item -> item);
    }

    private static Value extreme(Rendering rendering, Value value, Args args, String name) {
        Args.Bound bound = args.bind(name, "case_sensitive", "attribute");
        boolean sensitive = bound.truth("case_sensitive", false);
        UnaryOperator<Value> attribute = attribute(rendering, bound.some("attribute"), Optional.empty());
        Iterator<Value> items = Iterate.over(rendering, value);
        if (!items.hasNext()) return new Undefined("No aggregated item, sequence was empty.", false);
        Value best = items.next();
        while (items.hasNext()) {
            rendering.budget().step();
            Value item = items.next();
            Value a = attribute.apply(item);
            Value b = attribute.apply(best);
            int c = Compare.compare(sensitive ? a : ignoreCase(a), sensitive ? b : ignoreCase(b));
            if (name.equals("min") ? c < 0 : c > 0) best = item;
        }
        return best;
    }

    private static Value sum(Rendering rendering, Value value, Args args) {
        Args.Bound bound = args.bind("sum", "attribute", "start");
        UnaryOperator<Value> attribute = attribute(rendering, bound.some("attribute"), Optional.empty());
        Value total = bound.optional("start").orElse(Value.of(0));
        if (total instanceof Str) throw JinjaException.type("sum() can't sum strings [use ''.join(seq) instead]");
        for (Value item : Iterate.list(rendering, value)) total = Operators.binary(rendering, "+", total, attribute.apply(item));
        return total;
    }

    private static Value lazily(Rendering rendering, Value value, Predicate<Value> keep, Function<Value, Value> map) {
        if (!Compare.truth(value)) return new Generator(List.<Value>of().iterator());
        Iterator<Value> items = Iterate.over(rendering, value);
        return new Generator(new Iterator<>() {
            private Value next;

            @Override
            public boolean hasNext() {
                while (next == null && items.hasNext()) {
                    rendering.budget().step();
                    Value item = items.next();
                    if (keep.test(item)) next = map.apply(item);
                }
                return next != null;
            }

            @Override
            public Value next() {
                if (!hasNext()) throw new NoSuchElementException();
                Value item = next;
                next = null;
                return item;
            }
        });
    }

    private static Value map(Rendering rendering, Value value, Args args) {
        if (args.positional().isEmpty() && args.named().containsKey("attribute")) {
            Args.Bound bound = args.bind("map", "attribute", "default");
            return lazily(rendering, value, item -> true, attribute(rendering, bound.some("attribute"), bound.some("default")));
        }
        if (args.positional().isEmpty()) throw JinjaException.type("map requires a filter argument");
        String name = StrMethods.text(args.positional().getFirst()).text();
        Filter filter = Filters.find(name).orElseThrow(() -> JinjaException.type("No filter named " + Repr.quote(name) + "."));
        Args rest = args.rest();
        return lazily(rendering, value, item -> true, item -> filter.apply(rendering, item, rest));
    }

    private static Value select(Rendering rendering, Value value, Args args, boolean byAttribute, boolean keep) {
        UnaryOperator<Value> attribute = item -> item;
        Args left = args;
        if (byAttribute) {
            if (args.positional().isEmpty()) throw JinjaException.type("Missing parameter for attribute name");
            attribute = attribute(rendering, Optional.of(args.positional().getFirst()), Optional.empty());
            left = args.rest();
        }
        UnaryOperator<Value> from = attribute;
        if (left.positional().isEmpty()) return lazily(rendering, value, item -> Compare.truth(from.apply(item)) == keep, item -> item);
        String name = StrMethods.text(left.positional().getFirst()).text();
        Tests.Test test = Tests.find(name).orElseThrow(() -> JinjaException.type("No test named " + Repr.quote(name) + "."));
        Args rest = left.rest();
        return lazily(rendering, value, item -> test.holds(rendering, from.apply(item), rest) == keep, item -> item);
    }

    private static Value groupBy(Rendering rendering, Value value, Args args) {
        Args.Bound bound = args.bind("groupby", "attribute", "default", "case_sensitive");
        boolean sensitive = bound.truth("case_sensitive", false);
        UnaryOperator<Value> attribute = attribute(rendering, Optional.of(bound.need("attribute")), bound.some("default"));
        UnaryOperator<Value> key = item -> sensitive ? attribute.apply(item) : ignoreCase(attribute.apply(item));
        List<Value> out = new ArrayList<>();
        List<Value> group = new ArrayList<>();
        for (Value item : sorted(rendering, Iterate.list(rendering, value), false, key)) {
            if (!group.isEmpty() && !Compare.equal(key.apply(group.getFirst()), key.apply(item))) {
                out.add(group(attribute, group));
                group = new ArrayList<>();
            }
            group.add(item);
        }
        if (!group.isEmpty()) out.add(group(attribute, group));
        return Seq.list(out);
    }

    private static Seq group(UnaryOperator<Value> attribute, List<Value> items) {
        return new Seq(List.of(attribute.apply(items.getFirst()), Seq.list(items)), true, List.of("grouper", "list"));
    }

    private static Value batch(Rendering rendering, Value value, Args args) {
        Args.Bound bound = args.bind("batch", "linecount", "fill_with");
        int size = Numbers.smallInt(bound.need("linecount"));
        List<Value> out = new ArrayList<>();
        List<Value> line = new ArrayList<>();
        for (Value item : Iterate.list(rendering, value)) {
            if (line.size() == size) {
                out.add(Seq.list(line));
                line = new ArrayList<>();
            }
            line.add(item);
        }
        if (!line.isEmpty()) {
            Optional<Value> fill = bound.some("fill_with");
            if (fill.isPresent() && line.size() < size) {
                rendering.budget().steps(size);
                line.addAll(Collections.nCopies(size - line.size(), fill.get()));
            }
            out.add(Seq.list(line));
        }
        return new Generator(out.iterator());
    }

    private static Value slices(Rendering rendering, Value value, Args args) {
        Args.Bound bound = args.bind("slice", "slices", "fill_with");
        int slices = Numbers.smallInt(bound.need("slices"));
        if (slices == 0) throw JinjaException.type("integer division or modulo by zero");
        rendering.budget().steps(Math.max(0, slices));
        List<Value> items = Iterate.list(rendering, value);
        int each = Math.floorDiv(items.size(), slices);
        int longer = Math.floorMod(items.size(), slices);
        Optional<Value> fill = bound.some("fill_with");
        List<Value> out = new ArrayList<>();
        int offset = 0;
        for (int i = 0; i < slices; i++) {
            int start = offset + i * each;
            if (i < longer) offset++;
            List<Value> part = new ArrayList<>(items.subList(start, offset + (i + 1) * each));
            if (fill.isPresent() && i >= longer) part.add(fill.get());
            out.add(Seq.list(part));
        }
        return new Generator(out.iterator());
    }
}
