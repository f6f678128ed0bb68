package dev.skald.text.jinja;

/** {@code value | name(args)}. */
interface Filter {
    Value apply(Rendering rendering, Value value, Args args);
}
