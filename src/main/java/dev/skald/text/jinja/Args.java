package dev.skald.text.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Arguments of a call.
 *
 * @param positional in order
 * @param named      by keyword
 */
record Args(List<Value> positional, Map<String, Value> named) {
    static final Args NONE = new Args(List.of(), Map.of());

    static Args of(Value... values) {
        return new Args(List.of(values), Map.of());
    }

    /** Arguments by parameter. */
    static final class Bound {
        private final String function;
        private final Map<String, Value> values;

        private Bound(String function, Map<String, Value> values) {
            this.function = function;
            this.values = values;
        }

        /** @throws JinjaException if it was not given */
        Value need(String parameter) {
            return optional(parameter).orElseThrow(() -> JinjaException.type(function + "() needs its argument '" + parameter + "'"));
        }

        Optional<Value> optional(String parameter) {
            return Optional.ofNullable(values.get(parameter));
        }

        /** @return empty for None too */
        Optional<Value> some(String parameter) {
            return optional(parameter).filter(value -> value != Value.NONE);
        }

        boolean truth(String parameter, boolean otherwise) {
            return optional(parameter).map(Compare::truth).orElse(otherwise);
        }

        int integer(String parameter, int otherwise) {
            return some(parameter).map(Numbers::smallInt).orElse(otherwise);
        }
    }

    /** @throws JinjaException for too many arguments, or one that has no parameter */
    Bound bind(String function, String... parameters) {
        Map<String, Value> values = new LinkedHashMap<>();
        if (positional.size() > parameters.length) {
            throw JinjaException.type(function + "() takes at most " + parameters.length + " arguments (" + positional.size() + " given)");
        }
        for (int i = 0; i < positional.size(); i++) values.put(parameters[i], positional.get(i));
        named.forEach((name, value) -> {
            if (!List.of(parameters).contains(name)) throw JinjaException.type(function + "() got an unexpected keyword argument '" + name + "'");
            if (values.putIfAbsent(name, value) != null) throw JinjaException.type(function + "() got multiple values for argument '" + name + "'");
        });
        return new Bound(function, values);
    }

    /** Without the first argument. */
    Args rest() {
        return new Args(positional.isEmpty() ? positional : positional.subList(1, positional.size()), named);
    }

    Args with(String name, Value value) {
        Map<String, Value> more = new LinkedHashMap<>(named);
        more.put(name, value);
        return new Args(positional, more);
    }

    Args before(Value first) {
        List<Value> all = new ArrayList<>();
        all.add(first);
        all.addAll(positional);
        return new Args(all, named);
    }
}
