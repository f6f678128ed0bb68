package dev.skald.text.jinja;

import dev.skald.text.jinja.Node.Expr;
import dev.skald.text.jinja.Node.Place;
import dev.skald.text.jinja.Node.Signature;
import dev.skald.text.jinja.Node.Statement;
import dev.skald.text.jinja.Node.Target;
import dev.skald.text.jinja.Token.Kind;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Reads statements. */
final class TemplateParser {
    private final TokenStream tokens;
    private final ExpressionParser expressions;
    /** Names read in each of the macros that are open. */
    private final Deque<Set<String>> macroNames = new ArrayDeque<>();
    /** Loops that a break would leave: a macro's body starts anew. */
    private int loops;

    private TemplateParser(TokenStream tokens) {
        this.tokens = tokens;
        this.expressions = new ExpressionParser(tokens, name -> macroNames.forEach(names -> names.add(name)));
    }

    static List<Statement> parse(String template, int maxDepth) {
        TemplateParser parser = new TemplateParser(new TokenStream(Lexer.lex(template), maxDepth));
        List<Statement> body = parser.statements(Set.of());
        if (!parser.tokens.is(Kind.END)) throw parser.tokens.error("unexpected " + parser.tokens.current().describe());
        return body;
    }

    /** Up to a tag with one of these names, which is left to be read from its name on. */
    private List<Statement> statements(Set<String> ends) {
        Place start = tokens.place();
        tokens.enter();
        List<Statement> out = new ArrayList<>();
        while (true) {
            Token token = tokens.current();
            switch (token.kind()) {
                case TEXT -> {
                    out.add(new Node.Text(Str.trusted(token.text())));
                    tokens.next();
                }
                case PRINT_BEGIN -> {
                    tokens.next();
                    out.add(new Node.Output(expressions.tuple(true, "")));
                    tokens.expect(Kind.PRINT_END);
                }
                case BLOCK_BEGIN -> {
                    tokens.next();
                    if (tokens.is(Kind.NAME) && ends.contains(tokens.current().text())) {
                        tokens.leave();
                        return out;
                    }
                    out.add(statement());
                    tokens.expect(Kind.BLOCK_END);
                }
                case END -> {
                    if (!ends.isEmpty()) {
                        throw TokenStream.error("Unexpected end of template: one of " + ends + " is missing for the block that starts here", start);
                    }
                    tokens.leave();
                    return out;
                }
                default -> throw tokens.error("unexpected " + token.describe());
            }
        }
    }

    private List<Statement> body(String end) {
        tokens.expect(Kind.BLOCK_END);
        List<Statement> body = statements(Set.of(end));
        tokens.next();
        return body;
    }

    private Statement statement() {
        Place place = tokens.place();
        if (!tokens.is(Kind.NAME)) throw tokens.error("tag name expected");
        String tag = tokens.next().text();
        return switch (tag) {
            case "if" -> ifStatement();
            case "for" -> forStatement(place);
            case "set" -> setStatement(place);
            case "macro" -> macro();
            case "call" -> callBlock(place);
            case "filter" -> {
                Expr filters = expressions.filters(Optional.empty(), true);
                yield new Node.FilterBlock(place, filters, body("endfilter"));
            }
            case "with" -> with();
            case "generation" -> {
                int outer = loops;
                loops = 0;
                List<Statement> body = body("endgeneration");
                loops = outer;
                yield new Node.Block(body);
            }
            case "break", "continue" -> {
                if (loops == 0) throw TokenStream.error("'" + tag + "' outside loop", place);
                yield tag.equals("break") ? new Node.Break(place) : new Node.Continue(place);
            }
            case "include", "import", "from", "extends", "block", "autoescape" ->
                    throw TokenStream.error("The tag '" + tag + "' is not available in a chat template.", place);
            default -> throw TokenStream.error("Encountered unknown tag '" + tag + "'.", place);
        };
    }

    private Statement ifStatement() {
        List<Node.Branch> branches = new ArrayList<>();
        List<Statement> otherwise = List.of();
        while (true) {
            Expr test = expressions.tuple(false, "");
            tokens.expect(Kind.BLOCK_END);
            branches.add(new Node.Branch(test, statements(Set.of("elif", "else", "endif"))));
            String end = tokens.next().text();
            if (end.equals("elif")) continue;
            if (end.equals("else")) otherwise = body("endif");
            return new Node.If(branches, otherwise);
        }
    }

    private Statement forStatement(Place place) {
        Target target = target("in", false);
        if (!tokens.skipName("in")) throw tokens.error("expected 'in', got " + tokens.current().describe());
        Expr items = expressions.tuple(false, "recursive");
        Optional<Expr> condition = tokens.skipName("if") ? Optional.of(expressions.expression()) : Optional.empty();
        boolean recursive = tokens.skipName("recursive");
        tokens.expect(Kind.BLOCK_END);
        loops++;
        List<Statement> body = statements(Set.of("else", "endfor"));
        loops--;
        List<Statement> otherwise = tokens.next().text().equals("else") ? body("endfor") : List.of();
        return new Node.For(place, target, items, condition, recursive, body, otherwise);
    }

    private Statement setStatement(Place place) {
        Target target = target("", true);
        if (tokens.skip("=")) return new Node.Set(place, target, expressions.tuple(true, ""));
        Optional<Expr> filters = tokens.is("|") ? Optional.of(expressions.filters(Optional.empty(), false)) : Optional.empty();
        return new Node.SetBlock(place, target, filters, body("endset"));
    }

    private Statement macro() {
        String name = nameOnly();
        return new Node.MacroDefinition(name, signature("endmacro"));
    }

    private Statement callBlock(Place place) {
        List<String> parameters = new ArrayList<>();
        List<Expr> defaults = new ArrayList<>();
        if (tokens.is("(")) parameters(parameters, defaults);
        Expr call = expressions.expression();
        if (!(call instanceof Node.Call c)) throw TokenStream.error("expected call", place);
        return new Node.CallBlock(place, signature(parameters, defaults, "endcall"), c);
    }

    private Signature signature(String end) {
        List<String> parameters = new ArrayList<>();
        List<Expr> defaults = new ArrayList<>();
        parameters(parameters, defaults);
        return signature(parameters, defaults, end);
    }

    private Signature signature(List<String> parameters, List<Expr> defaults, String end) {
        Set<String> names = new HashSet<>();
        macroNames.push(names);
        int outer = loops;
        loops = 0;
        List<Statement> body = body(end);
        loops = outer;
        macroNames.pop();
        return new Signature(parameters, defaults, body, names.contains("caller"), names.contains("kwargs"), names.contains("varargs"));
    }

    private void parameters(List<String> parameters, List<Expr> defaults) {
        tokens.expect("(");
        while (!tokens.is(")")) {
            if (!parameters.isEmpty()) tokens.expect(",");
            parameters.add(nameOnly());
            if (tokens.skip("=")) defaults.add(expressions.expression());
            else if (!defaults.isEmpty()) throw tokens.error("non-default argument follows default argument");
        }
        tokens.expect(")");
    }

    private String nameOnly() {
        Token name = tokens.expect(Kind.NAME);
        checkName(name);
        return name.text();
    }

    private Statement with() {
        List<Target> targets = new ArrayList<>();
        List<Expr> values = new ArrayList<>();
        while (!tokens.is(Kind.BLOCK_END)) {
            if (!targets.isEmpty()) tokens.expect(",");
            targets.add(target("", false));
            tokens.expect("=");
            values.add(expressions.expression());
        }
        return new Node.With(targets, values, body("endwith"));
    }

    /** One name, or several with commas. @param end a name that ends it, @param attributes whether a namespace's attribute will do */
    private Target target(String end, boolean attributes) {
        Place place = tokens.place();
        List<Target> parts = new ArrayList<>();
        boolean tuple = false;
        while (true) {
            if (tokens.is(Kind.BLOCK_END) || tokens.is(")") || tokens.isName(end)) break;
            parts.add(oneTarget(attributes));
            if (!tokens.skip(",")) break;
            tuple = true;
        }
        if (parts.isEmpty()) throw tokens.error("Expected an expression, got " + tokens.current().describe());
        return tuple ? new Node.TupleTarget(place, parts) : parts.getFirst();
    }

    private Target oneTarget(boolean attributes) {
        Place place = tokens.place();
        if (tokens.skip("(")) {
            tokens.enter();
            Target inner = target("", attributes);
            tokens.leave();
            tokens.expect(")");
            return inner;
        }
        if (!tokens.is(Kind.NAME)) throw tokens.error("can't assign to " + tokens.current().describe());
        Token name = tokens.next();
        if (attributes && tokens.skip(".")) return new Node.AttributeTarget(place, name.text(), tokens.expect(Kind.NAME).text());
        checkName(name);
        return new Node.NameTarget(name.text());
    }

    private static void checkName(Token name) {
        if (Set.of("true", "True", "false", "False", "none", "None").contains(name.text())) {
            throw TokenStream.error("can't assign to '" + name.text() + "'", new Place(name.line(), name.column()));
        }
    }
}
