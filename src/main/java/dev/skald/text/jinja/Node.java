package dev.skald.text.jinja;

import java.util.List;
import java.util.Optional;

/** A template, read: statements and expressions. Immutable. */
sealed interface Node {
    /** Where it stands, counted from 1. */
    record Place(int line, int column) {}

    sealed interface Expr extends Node {
        Place place();
    }

    record Constant(Place place, Value value) implements Expr {}

    record Name(Place place, String name) implements Expr {}

    record ListOf(Place place, List<Expr> items) implements Expr {}

    record TupleOf(Place place, List<Expr> items) implements Expr {}

    record DictOf(Place place, List<Expr> keys, List<Expr> values) implements Expr {}

    record Not(Place place, Expr of) implements Expr {}

    record Sign(Place place, boolean negative, Expr of) implements Expr {}

    /** @param op one of + - * / // % ** */
    record Binary(Place place, String op, Expr left, Expr right) implements Expr {}

    record And(Place place, Expr left, Expr right) implements Expr {}

    record Or(Place place, Expr left, Expr right) implements Expr {}

    record Concat(Place place, List<Expr> parts) implements Expr {}

    /** @param op one of == != &lt; &lt;= &gt; &gt;= in, not in */
    record Operand(String op, Expr right) {}

    record Comparison(Place place, Expr first, List<Operand> rest) implements Expr {}

    record IfElse(Place place, Expr test, Expr then, Optional<Expr> otherwise) implements Expr {}

    record Attribute(Place place, Expr of, String name) implements Expr {}

    record Item(Place place, Expr of, Expr key) implements Expr {}

    record SliceOf(Place place, Expr of, Optional<Expr> start, Optional<Expr> stop, Optional<Expr> step) implements Expr {}

    /** @param more {@code *args}, @param moreNamed {@code **kwargs} */
    record Arguments(List<Expr> positional, List<String> names, List<Expr> named, Optional<Expr> more, Optional<Expr> moreNamed) {
        static final Arguments NONE = new Arguments(List.of(), List.of(), List.of(), Optional.empty(), Optional.empty());
    }

    record Call(Place place, Expr function, Arguments arguments) implements Expr {}

    /** @param of empty: the text of the filter block or block set around it */
    record Filtered(Place place, Optional<Expr> of, Filter filter, Arguments arguments) implements Expr {}

    record Tested(Place place, Expr of, Tests.Test test, Arguments arguments) implements Expr {}

    /** What can be assigned to. */
    sealed interface Target {}

    record NameTarget(String name) implements Target {}

    record AttributeTarget(Place place, String namespace, String attribute) implements Target {}

    record TupleTarget(Place place, List<Target> parts) implements Target {}

    sealed interface Statement extends Node {}

    record Text(Str text) implements Statement {}

    record Output(Expr value) implements Statement {}

    record Branch(Expr test, List<Statement> body) {}

    record If(List<Branch> branches, List<Statement> otherwise) implements Statement {}

    record For(Place place, Target target, Expr items, Optional<Expr> condition, boolean recursive, List<Statement> body, List<Statement> otherwise)
            implements Statement {}

    record Break(Place place) implements Statement {}

    record Continue(Place place) implements Statement {}

    record Set(Place place, Target target, Expr value) implements Statement {}

    /** @param filters with the body's text as their innermost value; empty: the text itself */
    record SetBlock(Place place, Target target, Optional<Expr> filters, List<Statement> body) implements Statement {}

    /**
     * @param defaults          of the last parameters
     * @param usesCaller        the body mentions caller
     * @param catchesNamed      the body mentions kwargs
     * @param catchesPositional the body mentions varargs
     */
    record Signature(List<String> parameters, List<Expr> defaults, List<Statement> body, boolean usesCaller, boolean catchesNamed,
            boolean catchesPositional) {}

    record MacroDefinition(String name, Signature signature) implements Statement {}

    record CallBlock(Place place, Signature body, Call call) implements Statement {}

    record FilterBlock(Place place, Expr filters, List<Statement> body) implements Statement {}

    record With(List<Target> targets, List<Expr> values, List<Statement> body) implements Statement {}

    /** Statements with names of their own, printed where they stand. */
    record Block(List<Statement> body) implements Statement {}
}
