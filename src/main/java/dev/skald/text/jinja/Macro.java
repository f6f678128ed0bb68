package dev.skald.text.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A macro, with the scope that it was defined in; a call block's body is one too. */
final class Macro implements Value.Callable {
    private final Node.Signature signature;
    private final String name;
    private final Interpreter interpreter;
    private final Scope scope;

    Macro(String name, Node.Signature signature, Interpreter interpreter, Scope scope) {
        this.name = name;
        this.signature = signature;
        this.interpreter = interpreter;
        this.scope = scope;
    }

    @Override
    public String name() {
        return name;
    }

    Optional<Value> attribute(String attribute) {
        return switch (attribute) {
            case "name" -> Optional.of(Str.trusted(name));
            case "arguments" -> Optional.of(Seq.tuple(signature.parameters().stream().map(p -> (Value) Str.trusted(p)).toList()));
            case "catch_kwargs" -> Optional.of(Value.of(signature.catchesNamed()));
            case "catch_varargs" -> Optional.of(Value.of(signature.catchesPositional()));
            case "caller" -> Optional.of(Value.of(signature.usesCaller()));
            default -> Optional.empty();
        };
    }

    @Override
    public Value call(Rendering rendering, Args args) {
        List<String> parameters = signature.parameters();
        Map<String, Value> named = new LinkedHashMap<>(args.named());
        Map<String, Value> given = new LinkedHashMap<>();
        List<Value> positional = args.positional();
        for (int i = 0; i < parameters.size(); i++) {
            String parameter = parameters.get(i);
            Value byName = named.remove(parameter);
            if (i < positional.size()) {
                if (byName != null) {
                    throw JinjaException.type("macro " + Repr.quote(name) + " got multiple values for argument " + Repr.quote(parameter));
                }
                given.put(parameter, positional.get(i));
            } else if (byName != null) {
                given.put(parameter, byName);
            }
        }
        Scope inner = new Scope(scope);
        given.forEach(inner::set);
        bindRest(inner, positional, named);
        return interpreter.callMacro(signature, inner, given);
    }

    /** What has no parameter: caller, kwargs, varargs, or an error. */
    private void bindRest(Scope inner, List<Value> positional, Map<String, Value> named) {
        if (signature.usesCaller() && !signature.parameters().contains("caller")) {
            Value caller = named.remove("caller");
            inner.set("caller", caller == null ? new Undefined("No caller defined", false) : caller);
        }
        if (signature.catchesNamed()) {
            Dict rest = new Dict();
            named.forEach(rest::put);
            inner.set("kwargs", rest);
        } else if (!named.isEmpty()) {
            String first = named.keySet().iterator().next();
            if (first.equals("caller")) {
                throw JinjaException.type("macro " + Repr.quote(name) + " was invoked with two values for the special caller argument. "
                        + "This is most likely a bug.");
            }
            throw JinjaException.type("macro " + Repr.quote(name) + " takes no keyword argument " + Repr.quote(first));
        }
        int taken = signature.parameters().size();
        List<Value> more = positional.size() > taken ? new ArrayList<>(positional.subList(taken, positional.size())) : List.of();
        if (signature.catchesPositional()) inner.set("varargs", Seq.tuple(more));
        else if (!more.isEmpty()) throw JinjaException.type("macro " + Repr.quote(name) + " takes not more than " + taken + " argument(s)");
    }
}
