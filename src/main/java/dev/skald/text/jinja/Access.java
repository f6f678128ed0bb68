package dev.skald.text.jinja;

import dev.skald.text.jinja.Value.Callable;
import dev.skald.text.jinja.Value.None;
import dev.skald.text.jinja.Value.Range;
import dev.skald.text.jinja.Value.Seq;
import dev.skald.text.jinja.Value.Undefined;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiFunction;

/** {@code a.b}, {@code a[b]} and {@code a[b:c:d]}: a dot looks for attributes first, brackets for elements first, as Jinja does. */
final class Access {
    private static final Set<String> CHANGES_LIST = Set.of("append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort");
    private static final Set<String> CHANGES_DICT = Set.of("clear", "pop", "popitem", "setdefault", "update");

    private Access() {}

    /** {@code value.name} */
    static Value attribute(Rendering rendering, Value value, String name) {
        if (value instanceof Undefined u) throw u.error();
        return ownAttribute(rendering, value, name)
                .or(() -> value instanceof Dict d ? d.get(name) : Optional.empty())
                .orElseGet(() -> missing(value, name));
    }

    /** {@code value[key]} */
    static Value item(Rendering rendering, Value value, Value key) {
        if (value instanceof Undefined u) throw u.error();
        Optional<Value> found = element(rendering, value, key);
        if (found.isPresent()) return found.get();
        if (key instanceof Str name) return ownAttribute(rendering, value, name.text()).orElseGet(() -> missing(value, name.text()));
        return new Undefined(object(value) + " has no element " + (key instanceof Undefined ? "Undefined" : Repr.repr(rendering, key)), false);
    }

    static Undefined missing(Value value, String name) {
        return new Undefined(Repr.quote(object(value)) + " has no attribute " + Repr.quote(name), false);
    }

    private static String object(Value value) {
        return switch (value) {
            case None n -> "None";
            case Namespace n -> "jinja2.utils.Namespace object";
            case Loop l -> "jinja2.runtime.LoopContext object";
            case Macro m -> "jinja2.runtime.Macro object";
            case Str s when s.markup() -> "markupsafe.Markup object";
            default -> value.type() + " object";
        };
    }

    private static Optional<Value> element(Rendering rendering, Value value, Value key) {
        if (value instanceof Dict d) return hashable(key) ? d.get(key) : Optional.empty();
        Optional<BigInteger> number = Numbers.whole(key);
        if (number.isEmpty() || number.get().bitLength() > 31) return Optional.empty();
        int index = number.get().intValue();
        return switch (value) {
            case Seq s -> at(index, s.items().size()).map(i -> s.items().get(i));
            case Range r -> at(index, r.length()).map(r::at);
            case Str s -> at(index, s.length()).map(i -> {
                rendering.budget().chars(2);
                int start = s.index(i);
                return s.substring(start, start + Character.charCount(s.text().codePointAt(start)));
            });
            default -> Optional.empty();
        };
    }

    private static boolean hashable(Value key) {
        return switch (key) {
            case Dict d -> false;
            case Seq s -> s.tuple() && s.items().stream().allMatch(Access::hashable);
            default -> true;
        };
    }

    private static Optional<Integer> at(int index, int length) {
        int i = index < 0 ? index + length : index;
        return i >= 0 && i < length ? Optional.of(i) : Optional.empty();
    }

    /** What Python's getattr would find and the sandbox lets through or hides. */
    static Optional<Value> ownAttribute(Rendering rendering, Value value, String name) {
        if (name.startsWith("__") && name.endsWith("__") && name.length() > 4) return Optional.of(hidden(value, name));
        return switch (value) {
            case Str s -> StrMethods.find(s, name);
            case Dict d -> dictMethod(d, name);
            case Seq s -> seqMethod(s, name);
            case Namespace n -> Optional.ofNullable(n.attributes.get(name));
            case Loop l -> l.attribute(name);
            case Macro m -> m.attribute(name);
            case Range r -> switch (name) {
                case "start" -> Optional.of(Value.of(r.start()));
                case "stop" -> Optional.of(Value.of(r.stop()));
                case "step" -> Optional.of(Value.of(r.step()));
                default -> Optional.empty();
            };
            default -> Optional.empty();
        };
    }

    private static Undefined hidden(Value value, String name) {
        return new Undefined("access to attribute " + Repr.quote(name) + " of " + Repr.quote(value.type()) + " object is unsafe.", true);
    }

    private static Optional<Value> dictMethod(Dict dict, String name) {
        if (CHANGES_DICT.contains(name)) return Optional.of(hidden(dict, name));
        return switch (name) {
            case "get" -> method(name, (rendering, args) -> {
                Args.Bound bound = args.bind("get", "key", "default");
                return dict.get(bound.need("key")).orElseGet(() -> bound.optional("default").orElse(Value.NONE));
            });
            case "items" -> view(name, Value.DictView.Kind.ITEMS, dict);
            case "keys" -> view(name, Value.DictView.Kind.KEYS, dict);
            case "values" -> view(name, Value.DictView.Kind.VALUES, dict);
            case "copy" -> method(name, (rendering, args) -> {
                args.bind("copy");
                return dict;
            });
            default -> Optional.empty();
        };
    }

    private static Optional<Value> view(String name, Value.DictView.Kind kind, Dict dict) {
        return method(name, (rendering, args) -> {
            args.bind(name);
            return new Value.DictView(kind, dict);
        });
    }

    private static Optional<Value> seqMethod(Seq seq, String name) {
        int named = seq.names().indexOf(name);
        if (named >= 0) return Optional.of(seq.items().get(named));
        if (!seq.tuple() && CHANGES_LIST.contains(name)) return Optional.of(hidden(seq, name));
        return switch (name) {
            case "count" -> method(name, (rendering, args) -> {
                Value wanted = args.bind("count", "value").need("value");
                return Value.of(seq.items().stream().filter(item -> Compare.equal(item, wanted)).count());
            });
            case "index" -> method(name, (rendering, args) -> {
                Args.Bound bound = args.bind("index", "value", "start", "stop");
                int size = seq.items().size();
                int stop = clip(bound.integer("stop", size), size);
                for (int i = clip(bound.integer("start", 0), size); i < stop; i++) {
                    if (Compare.equal(seq.items().get(i), bound.need("value"))) return Value.of(i);
                }
                throw JinjaException.type(Repr.str(rendering, bound.need("value")) + " is not in " + seq.type());
            });
            case "copy" -> seq.tuple() ? Optional.empty() : method(name, (rendering, args) -> {
                args.bind("copy");
                return seq;
            });
            default -> Optional.empty();
        };
    }

    static Optional<Value> method(String name, BiFunction<Rendering, Args, Value> body) {
        return Optional.of(new Function(name, body));
    }

    /** A function of our own. */
    record Function(String name, BiFunction<Rendering, Args, Value> body) implements Callable {
        @Override
        public Value call(Rendering rendering, Args args) {
            return body.apply(rendering, args);
        }
    }

    /** An index that may count from the end, cut to 0 … length. */
    static int clip(int index, int length) {
        return Math.clamp(index < 0 ? (long) index + length : index, 0, length);
    }

    /** {@code value[start:stop:step]}; each of the three may be None. */
    static Value slice(Rendering rendering, Value value, Value start, Value stop, Value step) {
        if (value instanceof Undefined u) throw u.error();
        int length = switch (value) {
            case Seq s -> s.items().size();
            case Str s -> s.length();
            case Range r -> r.length();
            default -> throw JinjaException.type("'" + value.type() + "' object is not subscriptable by a slice");
        };
        int by = step == Value.NONE ? 1 : Numbers.smallInt(step);
        if (by == 0) throw JinjaException.type("slice step cannot be zero");
        int from = bound(start, length, by < 0 ? length - 1 : 0, by);
        int to = bound(stop, length, by < 0 ? -1 : length, by);
        return switch (value) {
            case Str s -> sliceText(rendering, s, from, to, by);
            case Range r -> new Range(r.start() + from * r.step(), r.start() + to * r.step(), r.step() * by);
            case Seq s -> {
                List<Value> out = new ArrayList<>();
                for (long i = from; by > 0 ? i < to : i > to; i += by) {
                    rendering.budget().step();
                    out.add(s.items().get((int) i));
                }
                yield new Seq(out, s.tuple(), List.of());
            }
            default -> throw new IllegalStateException(value.type());
        };
    }

    private static int bound(Value index, int length, int otherwise, int step) {
        if (index == Value.NONE) return otherwise;
        long i = Numbers.smallInt(index);
        if (i < 0) i += length;
        return (int) (step < 0 ? Math.clamp(i, -1L, length - 1L) : Math.clamp(i, 0L, (long) length));
    }

    private static Str sliceText(Rendering rendering, Str s, int from, int to, int step) {
        if (step == 1) {
            if (from >= to) return Value.EMPTY.asMarkup(s.markup());
            rendering.budget().chars(to - from);
            return s.substring(s.index(from), s.index(to));
        }
        StrBuilder out = rendering.builder();
        for (long i = from; step > 0 ? i < to : i > to; i += step) {
            int at = s.index((int) i);
            rendering.budget().step();
            out.append(s, at, at + Character.charCount(s.text().codePointAt(at)));
        }
        return out.build().asMarkup(s.markup());
    }
}
