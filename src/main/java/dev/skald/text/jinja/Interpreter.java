package dev.skald.text.jinja;

import dev.skald.text.jinja.Node.Signature;
import dev.skald.text.jinja.Node.Statement;
import dev.skald.text.jinja.Node.Target;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Runs statements. */
final class Interpreter {
    /** How a statement ended. */
    private enum Flow {
        ON, BREAK, CONTINUE
    }

    private final Rendering rendering;
    private final Evaluator evaluator;

    Interpreter(Rendering rendering) {
        this.rendering = rendering;
        this.evaluator = new Evaluator(rendering);
    }

    Str run(List<Statement> template) {
        StrBuilder out = rendering.builder();
        run(template, new Scope(), out, 0);
        return out.build();
    }

    /** @param loopDepth of recursive loops around, for loop.depth */
    private Flow run(List<Statement> body, Scope scope, StrBuilder out, int loopDepth) {
        rendering.budget().enter();
        try {
            for (Statement statement : body) {
                rendering.budget().step();
                Flow flow = run(statement, scope, out, loopDepth);
                if (flow != Flow.ON) return flow;
            }
            return Flow.ON;
        } finally {
            rendering.budget().leave();
        }
    }

    private Flow run(Statement statement, Scope scope, StrBuilder out, int loopDepth) {
        switch (statement) {
            case Node.Text t -> out.append(t.text());
            case Node.Output o -> {
                try {
                    out.append(Repr.str(rendering, evaluator.eval(o.value(), scope)));
                } catch (JinjaException e) {
                    throw e.at(o.value().place().line(), o.value().place().column());
                }
            }
            case Node.If i -> {
                for (Node.Branch branch : i.branches()) {
                    if (truth(branch.test(), scope)) return run(branch.body(), scope, out, loopDepth);
                }
                return run(i.otherwise(), scope, out, loopDepth);
            }
            case Node.For f -> loop(f, scope, out, loopDepth);
            case Node.Break b -> {
                return Flow.BREAK;
            }
            case Node.Continue c -> {
                return Flow.CONTINUE;
            }
            case Node.Set s -> assign(s.place(), s.target(), evaluator.eval(s.value(), scope), scope);
            case Node.SetBlock s -> {
                Str text = text(s.body(), scope, loopDepth);
                assign(s.place(), s.target(), s.filters().map(f -> evaluator.eval(f, scope, text)).orElse(text), scope);
            }
            case Node.MacroDefinition m -> scope.set(m.name(), new Macro(m.name(), m.signature(), this, scope));
            case Node.CallBlock c -> {
                Args args = evaluator.arguments(c.call().arguments(), scope).with("caller", new Macro("caller", c.body(), this, scope));
                Value function = evaluator.eval(c.call().function(), scope);
                try {
                    out.append(Repr.str(rendering, evaluator.call(function, args)));
                } catch (JinjaException e) {
                    throw e.at(c.place().line(), c.place().column());
                }
            }
            case Node.FilterBlock f -> {
                Str text = text(f.body(), scope, loopDepth);
                out.append(Repr.str(rendering, evaluator.eval(f.filters(), scope, text)));
            }
            case Node.With w -> {
                Scope inner = new Scope(scope);
                for (int i = 0; i < w.targets().size(); i++) {
                    assign(w.values().get(i).place(), w.targets().get(i), evaluator.eval(w.values().get(i), scope), inner);
                }
                return run(w.body(), inner, out, loopDepth);
            }
            case Node.Block b -> out.append(text(b.body(), scope, loopDepth));
        }
        return Flow.ON;
    }

    private boolean truth(Node.Expr test, Scope scope) {
        Value value = evaluator.eval(test, scope);
        try {
            return Compare.truth(value);
        } catch (JinjaException e) {
            throw e.at(test.place().line(), test.place().column());
        }
    }

    private Str text(List<Statement> body, Scope scope, int loopDepth) {
        StrBuilder out = rendering.builder();
        run(body, new Scope(scope), out, loopDepth);
        return out.build();
    }

    private void loop(Node.For node, Scope scope, StrBuilder out, int loopDepth) {
        loopOver(node, evaluator.eval(node.items(), scope), scope, out, node.recursive() ? 0 : loopDepth);
    }

    private void loopOver(Node.For node, Value items, Scope scope, StrBuilder out, int depth) {
        List<Value> chosen = chosen(node, items, scope);
        if (chosen.isEmpty()) {
            run(node.otherwise(), new Scope(scope), out, depth);
            return;
        }
        Loop loop = new Loop(chosen, depth, !node.recursive() ? Optional.empty() : Optional.of((r, inner) -> {
            StrBuilder part = r.builder();
            loopOver(node, inner, scope, part, depth + 1);
            return part.build();
        }));
        while (loop.hasNext()) {
            rendering.budget().step();
            Scope turn = new Scope(scope);
            turn.set("loop", loop);
            assign(node.place(), node.target(), loop.next(), turn);
            if (run(node.body(), turn, out, depth) == Flow.BREAK) break;
        }
    }

    /** The elements that pass the loop's condition. */
    private List<Value> chosen(Node.For node, Value items, Scope scope) {
        List<Value> all;
        try {
            all = Iterate.list(rendering, items);
        } catch (JinjaException e) {
            throw e.at(node.place().line(), node.place().column());
        }
        if (node.condition().isEmpty()) return all;
        List<Value> chosen = new ArrayList<>();
        for (Value item : all) {
            Scope trial = new Scope(scope);
            assign(node.place(), node.target(), item, trial);
            if (truth(node.condition().get(), trial)) chosen.add(item);
        }
        return chosen;
    }

    private void assign(Node.Place place, Target target, Value value, Scope scope) {
        switch (target) {
            case Node.NameTarget n -> scope.set(n.name(), value);
            case Node.AttributeTarget a -> {
                Optional<Value> namespace = scope.get(a.namespace());
                if (namespace.isEmpty() || !(namespace.get() instanceof Namespace n)) {
                    throw JinjaException.type("cannot assign attribute on non-namespace object").at(a.place().line(), a.place().column());
                }
                n.attributes.put(a.attribute(), value);
            }
            case Node.TupleTarget t -> {
                try {
                    List<Value> parts = Iterate.list(rendering, value);
                    if (parts.size() != t.parts().size()) {
                        String many = parts.size() > t.parts().size() ? "too many" : "not enough";
                        throw JinjaException.type(many + " values to unpack (expected " + t.parts().size() + ")");
                    }
                    for (int i = 0; i < parts.size(); i++) assign(place, t.parts().get(i), parts.get(i), scope);
                } catch (JinjaException e) {
                    throw e.at(place.line(), place.column());
                }
            }
        }
    }

    /**
     * @param scope the macro's own, with the arguments in it
     * @param given names of the parameters that have an argument
     */
    Value callMacro(Signature signature, Scope scope, Map<String, Value> given) {
        rendering.budget().enter();
        try {
            Set<String> names = given.keySet();
            int required = signature.parameters().size() - signature.defaults().size();
            for (int i = 0; i < signature.parameters().size(); i++) {
                String name = signature.parameters().get(i);
                if (names.contains(name)) continue;
                scope.set(name, i >= required
                        ? evaluator.eval(signature.defaults().get(i - required), scope)
                        : new Value.Undefined("parameter " + Repr.quote(name) + " was not provided", false));
            }
            StrBuilder out = rendering.builder();
            run(signature.body(), scope, out, 0);
            return out.build();
        } finally {
            rendering.budget().leave();
        }
    }
}
