package dev.skald.text.jinja;

import dev.skald.text.jinja.Node.Arguments;
import dev.skald.text.jinja.Node.Expr;
import dev.skald.text.jinja.Node.Place;
import dev.skald.text.jinja.Value.Callable;
import dev.skald.text.jinja.Value.Seq;
import dev.skald.text.jinja.Value.Undefined;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Computes expressions. Errors get the place of the innermost expression that raised them. */
final class Evaluator {
    private final Rendering rendering;

    Evaluator(Rendering rendering) {
        this.rendering = rendering;
    }

    Value eval(Expr expr, Scope scope) {
        return eval(expr, scope, Value.EMPTY);
    }

    /** @param inner the text that a filter without a value of its own is for */
    Value eval(Expr expr, Scope scope, Value inner) {
        rendering.budget().step();
        rendering.budget().enter();
        try {
            return compute(expr, scope, inner);
        } catch (JinjaException e) {
            Place place = expr.place();
            throw e.at(place.line(), place.column());
        } finally {
            rendering.budget().leave();
        }
    }

    private Value compute(Expr expr, Scope scope, Value inner) {
        return switch (expr) {
            case Node.Constant c -> c.value();
            case Node.Name n -> name(n.name(), scope);
            case Node.ListOf l -> Seq.list(all(l.items(), scope));
            case Node.TupleOf t -> Seq.tuple(all(t.items(), scope));
            case Node.DictOf d -> dict(d, scope);
            case Node.Not n -> Value.of(!Compare.truth(eval(n.of(), scope)));
            case Node.Sign s -> s.negative() ? Operators.negative(eval(s.of(), scope)) : Operators.positive(eval(s.of(), scope));
            case Node.Binary b -> Operators.binary(rendering, b.op(), eval(b.left(), scope), eval(b.right(), scope));
            case Node.And a -> {
                Value left = eval(a.left(), scope);
                yield Compare.truth(left) ? eval(a.right(), scope) : left;
            }
            case Node.Or o -> {
                Value left = eval(o.left(), scope);
                yield Compare.truth(left) ? left : eval(o.right(), scope);
            }
            case Node.Concat c -> Operators.concat(rendering, all(c.parts(), scope));
            case Node.Comparison c -> Value.of(compare(c, scope));
            case Node.IfElse i -> {
                if (Compare.truth(eval(i.test(), scope))) yield eval(i.then(), scope);
                yield i.otherwise().map(e -> eval(e, scope)).orElseGet(() -> new Undefined(
                        "the inline if-expression on line " + i.place().line() + " evaluated to false and no else section was defined.", false));
            }
            case Node.Attribute a -> Access.attribute(rendering, eval(a.of(), scope), a.name());
            case Node.Item i -> Access.item(rendering, eval(i.of(), scope), eval(i.key(), scope));
            case Node.SliceOf s -> Access.slice(rendering, eval(s.of(), scope), part(s.start(), scope), part(s.stop(), scope), part(s.step(), scope));
            case Node.Call c -> call(eval(c.function(), scope), arguments(c.arguments(), scope));
            case Node.Filtered f -> {
                Value of = f.of().isPresent() ? eval(f.of().get(), scope, inner) : inner;
                yield f.filter().apply(rendering, of, arguments(f.arguments(), scope));
            }
            case Node.Tested t -> Value.of(t.test().holds(rendering, eval(t.of(), scope), arguments(t.arguments(), scope)));
        };
    }

    private Value name(String name, Scope scope) {
        Optional<Value> found = scope.get(name);
        if (found.isPresent()) return found.get();
        Value global = rendering.globals().get(name);
        return global != null ? global : Undefined.named(name);
    }

    private Value part(Optional<Expr> expr, Scope scope) {
        return expr.map(e -> eval(e, scope)).orElse(Value.NONE);
    }

    private List<Value> all(List<Expr> exprs, Scope scope) {
        List<Value> out = new ArrayList<>(exprs.size());
        for (Expr expr : exprs) out.add(eval(expr, scope));
        return out;
    }

    private Value dict(Node.DictOf node, Scope scope) {
        Dict dict = new Dict();
        for (int i = 0; i < node.keys().size(); i++) dict.put(eval(node.keys().get(i), scope), eval(node.values().get(i), scope));
        return dict;
    }

    private boolean compare(Node.Comparison node, Scope scope) {
        Value left = eval(node.first(), scope);
        for (Node.Operand operand : node.rest()) {
            Value right = eval(operand.right(), scope);
            boolean holds = switch (operand.op()) {
                case "==" -> Compare.equal(left, right);
                case "!=" -> !Compare.equal(left, right);
                case "in" -> Compare.contains(rendering, right, left);
                case "not in" -> !Compare.contains(rendering, right, left);
                default -> Compare.ordered(operand.op(), left, right);
            };
            if (!holds) return false;
            left = right;
        }
        return true;
    }

    Args arguments(Arguments node, Scope scope) {
        if (node == Arguments.NONE) return Args.NONE;
        List<Value> positional = all(node.positional(), scope);
        Map<String, Value> named = new LinkedHashMap<>();
        for (int i = 0; i < node.names().size(); i++) named.put(node.names().get(i), eval(node.named().get(i), scope));
        node.more().ifPresent(more -> positional.addAll(Iterate.list(rendering, eval(more, scope))));
        node.moreNamed().ifPresent(more -> {
            Value value = eval(more, scope);
            if (!(value instanceof Dict dict)) throw JinjaException.type("argument after ** must be a mapping, not " + value.type());
            for (Dict.Entry entry : dict.entries()) {
                if (named.put(StrMethods.text(entry.key()).text(), entry.value()) != null) {
                    throw JinjaException.type("got multiple values for keyword argument " + Repr.quote(entry.key().toString()));
                }
            }
        });
        return new Args(positional, named);
    }

    Value call(Value function, Args args) {
        return switch (function) {
            case Callable c -> c.call(rendering, args);
            case Loop l -> l.call(rendering, args);
            case Undefined u -> throw u.error();
            default -> throw JinjaException.type("'" + function.type() + "' object is not callable");
        };
    }
}
