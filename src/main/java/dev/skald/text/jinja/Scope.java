package dev.skald.text.jinja;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/** Names of one block; what it lacks, the blocks around it may have. */
final class Scope {
    private final Optional<Scope> around;
    private final Map<String, Value> names = new HashMap<>();

    /** The template's own. */
    Scope() {
        this.around = Optional.empty();
    }

    Scope(Scope around) {
        this.around = Optional.of(around);
    }

    void set(String name, Value value) {
        names.put(name, value);
    }

    Optional<Value> get(String name) {
        for (Scope scope = this; ; scope = scope.around.get()) {
            Value value = scope.names.get(name);
            if (value != null) return Optional.of(value);
            if (scope.around.isEmpty()) return Optional.empty();
        }
    }
}
