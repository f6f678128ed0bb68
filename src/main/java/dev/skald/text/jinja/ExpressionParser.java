package dev.skald.text.jinja;

import dev.skald.text.jinja.Node.Arguments;
import dev.skald.text.jinja.Node.Expr;
import dev.skald.text.jinja.Node.Operand;
import dev.skald.text.jinja.Node.Place;
import dev.skald.text.jinja.Token.Kind;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Supplier;

/** Reads expressions, with Jinja's own precedence: a filter binds tighter than a sign's operand, {@code ~} tighter than {@code +}, ** to the left. */
final class ExpressionParser {
    private static final Set<String> COMPARISONS = Set.of("==", "!=", "<", "<=", ">", ">=");

    private final TokenStream tokens;
    private final Consumer<String> names;

    /** @param names is told each name that is read */
    ExpressionParser(TokenStream tokens, Consumer<String> names) {
        this.tokens = tokens;
        this.names = names;
    }

    Expr expression() {
        return expression(true);
    }

    /** @param conditional with {@code a if b else c} */
    Expr expression(boolean conditional) {
        tokens.enter();
        Expr expr = conditional ? conditional() : or();
        tokens.leave();
        return expr;
    }

    /** One expression, or several with commas as a tuple. @param endName a name that ends it, too */
    Expr tuple(boolean conditional, String endName) {
        return tuple(() -> expression(conditional), endName, false);
    }

    private Expr tuple(Supplier<Expr> element, String endName, boolean parenthesized) {
        Place place = tokens.place();
        List<Expr> items = new ArrayList<>();
        boolean tuple = false;
        while (true) {
            if (!items.isEmpty()) tokens.expect(",");
            if (tokens.is(Kind.BLOCK_END) || tokens.is(Kind.PRINT_END) || tokens.is(")") || tokens.isName(endName)) break;
            items.add(element.get());
            if (!tokens.is(",")) break;
            tuple = true;
        }
        if (!tuple) {
            if (!items.isEmpty()) return items.getFirst();
            if (!parenthesized) throw tokens.error("Expected an expression, got " + tokens.current().describe());
        }
        return new Node.TupleOf(place, items);
    }

    private Expr conditional() {
        Place place = tokens.place();
        Expr expr = or();
        while (tokens.skipName("if")) {
            Expr test = or();
            Optional<Expr> otherwise = Optional.empty();
            if (tokens.skipName("else")) otherwise = Optional.of(expression());
            expr = new Node.IfElse(place, test, expr, otherwise);
        }
        return expr;
    }

    private Expr or() {
        Expr left = and();
        while (tokens.isName("or")) {
            Place place = tokens.place();
            tokens.next();
            left = new Node.Or(place, left, and());
        }
        return left;
    }

    private Expr and() {
        Expr left = not();
        while (tokens.isName("and")) {
            Place place = tokens.place();
            tokens.next();
            left = new Node.And(place, left, not());
        }
        return left;
    }

    private Expr not() {
        if (!tokens.isName("not")) return comparison();
        Place place = tokens.place();
        tokens.next();
        tokens.enter();
        Expr of = not();
        tokens.leave();
        return new Node.Not(place, of);
    }

    private Expr comparison() {
        Place place = tokens.place();
        Expr first = sum();
        List<Operand> rest = new ArrayList<>();
        while (true) {
            if (tokens.is(Kind.OPERATOR) && COMPARISONS.contains(tokens.current().text())) {
                String op = tokens.next().text();
                rest.add(new Operand(op, sum()));
            } else if (tokens.skipName("in")) {
                rest.add(new Operand("in", sum()));
            } else if (tokens.isName("not") && tokens.ahead().isName("in")) {
                tokens.next();
                tokens.next();
                rest.add(new Operand("not in", sum()));
            } else {
                return rest.isEmpty() ? first : new Node.Comparison(place, first, rest);
            }
        }
    }

    private Expr sum() {
        Expr left = concat();
        while (tokens.is("+") || tokens.is("-")) left = binary(left, this::concat);
        return left;
    }

    private Expr binary(Expr left, Supplier<Expr> right) {
        Place place = tokens.place();
        String op = tokens.next().text();
        return new Node.Binary(place, op, left, right.get());
    }

    private Expr concat() {
        Place place = tokens.place();
        List<Expr> parts = new ArrayList<>(List.of(product()));
        while (tokens.skip("~")) parts.add(product());
        return parts.size() == 1 ? parts.getFirst() : new Node.Concat(place, parts);
    }

    private Expr product() {
        Expr left = power();
        while (tokens.is("*") || tokens.is("/") || tokens.is("//") || tokens.is("%")) left = binary(left, this::power);
        return left;
    }

    private Expr power() {
        Expr left = unary(true);
        while (tokens.is("**")) left = binary(left, () -> unary(true));
        return left;
    }

    private Expr unary(boolean filters) {
        Place place = tokens.place();
        Expr expr;
        if (tokens.is("-") || tokens.is("+")) {
            boolean negative = tokens.next().text().equals("-");
            tokens.enter();
            expr = new Node.Sign(place, negative, unary(false));
            tokens.leave();
        } else {
            expr = primary();
        }
        expr = postfix(expr);
        return filters ? filtered(expr) : expr;
    }

    Expr primary() {
        Token token = tokens.current();
        Place place = tokens.place();
        switch (token.kind()) {
            case NAME -> {
                tokens.next();
                return switch (token.text()) {
                    case "true", "True" -> new Node.Constant(place, Value.TRUE);
                    case "false", "False" -> new Node.Constant(place, Value.FALSE);
                    case "none", "None" -> new Node.Constant(place, Value.NONE);
                    default -> {
                        names.accept(token.text());
                        yield new Node.Name(place, token.text());
                    }
                };
            }
            case STRING -> {
                StringBuilder text = new StringBuilder();
                while (tokens.is(Kind.STRING)) text.append(tokens.next().text());
                return new Node.Constant(place, Str.trusted(text.toString()));
            }
            case INTEGER, REAL -> {
                tokens.next();
                return new Node.Constant(place, token.kind() == Kind.REAL ? real(token) : integer(token));
            }
            default -> {
                if (tokens.skip("(")) {
                    Expr inner = tuple(this::expression, "", true);
                    tokens.expect(")");
                    return inner;
                }
                if (tokens.is("[")) return list();
                if (tokens.is("{")) return dict();
                throw tokens.error("unexpected " + token.describe());
            }
        }
    }

    private static Value real(Token token) {
        return new Value.Real(Double.parseDouble(token.text()));
    }

    private Value integer(Token token) {
        Optional<BigInteger> value = Numbers.parseInt(token.text(), 0);
        return new Value.Int(value.orElseThrow(() -> tokens.error("'" + token.text() + "' is no number")));
    }

    private Expr list() {
        Place place = tokens.place();
        tokens.expect("[");
        List<Expr> items = new ArrayList<>();
        while (!tokens.is("]")) {
            if (!items.isEmpty()) tokens.expect(",");
            if (tokens.is("]")) break;
            items.add(expression());
        }
        tokens.expect("]");
        return new Node.ListOf(place, items);
    }

    private Expr dict() {
        Place place = tokens.place();
        tokens.expect("{");
        List<Expr> keys = new ArrayList<>();
        List<Expr> values = new ArrayList<>();
        while (!tokens.is("}")) {
            if (!keys.isEmpty()) tokens.expect(",");
            if (tokens.is("}")) break;
            keys.add(expression());
            tokens.expect(":");
            values.add(expression());
        }
        tokens.expect("}");
        return new Node.DictOf(place, keys, values);
    }

    private Expr postfix(Expr of) {
        Expr expr = of;
        while (true) {
            if (tokens.is(".") || tokens.is("[")) expr = subscript(expr);
            else if (tokens.is("(")) expr = call(expr);
            else return expr;
        }
    }

    private Expr call(Expr function) {
        Place place = tokens.place();
        return new Node.Call(place, function, arguments());
    }

    private Expr subscript(Expr of) {
        Place place = tokens.place();
        if (tokens.skip(".")) {
            Token name = tokens.next();
            if (name.kind() == Kind.NAME) return new Node.Attribute(place, of, name.text());
            if (name.kind() == Kind.INTEGER) return new Node.Item(place, of, new Node.Constant(place, integer(name)));
            throw TokenStream.error("expected name or number", place);
        }
        tokens.expect("[");
        List<Expr> keys = new ArrayList<>();
        while (!tokens.is("]")) {
            if (!keys.isEmpty()) tokens.expect(",");
            if (keys.isEmpty()) {
                Optional<Expr> slice = sliceOrKey(place, of, keys);
                if (slice.isPresent()) return slice.get();
            } else {
                keys.add(expression());
            }
        }
        tokens.expect("]");
        return new Node.Item(place, of, keys.size() == 1 ? keys.getFirst() : new Node.TupleOf(place, keys));
    }

    /** @return a slice with its bracket closed; empty when a plain key was added to {@code keys} */
    private Optional<Expr> sliceOrKey(Place place, Expr of, List<Expr> keys) {
        Optional<Expr> start = Optional.empty();
        if (!tokens.is(":")) {
            Expr key = expression();
            if (!tokens.is(":")) {
                keys.add(key);
                return Optional.empty();
            }
            start = Optional.of(key);
        }
        tokens.expect(":");
        Optional<Expr> stop = tokens.is("]") || tokens.is(":") ? Optional.empty() : Optional.of(expression());
        Optional<Expr> step = Optional.empty();
        if (tokens.skip(":") && !tokens.is("]")) step = Optional.of(expression());
        if (tokens.is(",")) throw tokens.error("a slice beside other keys is not available here");
        tokens.expect("]");
        return Optional.of(new Node.SliceOf(place, of, start, stop, step));
    }

    Arguments arguments() {
        tokens.expect("(");
        List<Expr> positional = new ArrayList<>();
        List<String> argumentNames = new ArrayList<>();
        List<Expr> named = new ArrayList<>();
        Optional<Expr> more = Optional.empty();
        Optional<Expr> moreNamed = Optional.empty();
        boolean comma = false;
        while (!tokens.is(")")) {
            if (comma) {
                tokens.expect(",");
                if (tokens.is(")")) break;
            }
            comma = true;
            if (tokens.is("*") && more.isEmpty() && moreNamed.isEmpty()) {
                tokens.next();
                more = Optional.of(expression());
            } else if (tokens.is("**") && moreNamed.isEmpty()) {
                tokens.next();
                moreNamed = Optional.of(expression());
            } else if (tokens.is(Kind.NAME) && tokens.ahead().is("=")) {
                if (moreNamed.isPresent()) throw tokens.error("invalid syntax for function call expression");
                argumentNames.add(tokens.next().text());
                tokens.next();
                named.add(expression());
            } else {
                if (more.isPresent() || moreNamed.isPresent() || !named.isEmpty()) throw tokens.error("invalid syntax for function call expression");
                positional.add(expression());
            }
        }
        tokens.expect(")");
        return new Arguments(positional, argumentNames, named, more, moreNamed);
    }

    private Expr filtered(Expr of) {
        Expr expr = of;
        while (true) {
            if (tokens.is("|")) expr = filters(Optional.of(expr), false);
            else if (tokens.isName("is")) expr = test(expr);
            else if (tokens.is("(")) expr = call(expr);
            else return expr;
        }
    }

    /** @param inline the first filter comes without its bar */
    Expr filters(Optional<Expr> of, boolean inline) {
        Optional<Expr> expr = of;
        boolean first = inline;
        while (first || tokens.is("|")) {
            if (!first) tokens.next();
            first = false;
            Place place = tokens.place();
            String name = dottedName();
            Filter filter = Filters.find(name).orElseThrow(() -> TokenStream.error("No filter named " + Repr.quote(name) + ".", place));
            Arguments arguments = tokens.is("(") ? arguments() : Arguments.NONE;
            expr = Optional.of(new Node.Filtered(place, expr, filter, arguments));
        }
        return expr.orElseThrow();
    }

    private String dottedName() {
        StringBuilder name = new StringBuilder(tokens.expect(Kind.NAME).text());
        while (tokens.skip(".")) name.append('.').append(tokens.expect(Kind.NAME).text());
        return name.toString();
    }

    private Expr test(Expr of) {
        tokens.next();
        Place place = tokens.place();
        boolean negated = tokens.skipName("not");
        String name = dottedName();
        Tests.Test test = Tests.find(name).orElseThrow(() -> TokenStream.error("No test named " + Repr.quote(name) + ".", place));
        Arguments arguments = Arguments.NONE;
        if (tokens.is("(")) {
            arguments = arguments();
        } else if (startsArgument()) {
            if (tokens.isName("is")) throw tokens.error("You cannot chain multiple tests with is");
            arguments = new Arguments(List.of(postfix(primary())), List.of(), List.of(), Optional.empty(), Optional.empty());
        }
        Expr tested = new Node.Tested(place, of, test, arguments);
        return negated ? new Node.Not(place, tested) : tested;
    }

    private boolean startsArgument() {
        return switch (tokens.current().kind()) {
            case NAME -> !Set.of("else", "or", "and").contains(tokens.current().text());
            case STRING, INTEGER, REAL -> true;
            default -> tokens.is("[") || tokens.is("{");
        };
    }
}
