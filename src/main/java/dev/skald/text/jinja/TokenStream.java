package dev.skald.text.jinja;

import dev.skald.text.jinja.Node.Place;
import dev.skald.text.jinja.Token.Kind;
import java.util.List;

/** Tokens, one after the other, for the parsers. Also counts how deep they are nested in it. */
final class TokenStream {
    private final List<Token> tokens;
    private final int maxDepth;
    private int at;
    private int depth;

    TokenStream(List<Token> tokens, int maxDepth) {
        this.tokens = tokens;
        this.maxDepth = maxDepth;
    }

    Token current() {
        return tokens.get(at);
    }

    Token ahead() {
        return tokens.get(Math.min(at + 1, tokens.size() - 1));
    }

    Token next() {
        Token token = tokens.get(at);
        if (at < tokens.size() - 1) at++;
        return token;
    }

    boolean is(Kind kind) {
        return current().kind() == kind;
    }

    boolean is(String operator) {
        return current().is(operator);
    }

    boolean isName(String name) {
        return current().isName(name);
    }

    /** Reads the operator if it is the next token. */
    boolean skip(String operator) {
        if (!is(operator)) return false;
        next();
        return true;
    }

    boolean skipName(String name) {
        if (!isName(name)) return false;
        next();
        return true;
    }

    Token expect(Kind kind) {
        if (is(kind)) return next();
        String wanted = new Token(kind, kind.name().toLowerCase(java.util.Locale.ROOT), 1, 1).describe();
        throw error("expected " + wanted + ", got " + current().describe());
    }

    void expect(String operator) {
        if (!skip(operator)) throw error("expected '" + operator + "', got " + current().describe());
    }

    Place place() {
        return new Place(current().line(), current().column());
    }

    JinjaException error(String message) {
        return error(message, place());
    }

    static JinjaException error(String message, Place place) {
        return new JinjaException(JinjaException.Kind.SYNTAX, message, place.line(), place.column());
    }

    void enter() {
        if (++depth > maxDepth) {
            throw JinjaException.limit("The template nests more than " + maxDepth + " levels deep").at(place().line(), place().column());
        }
    }

    void leave() {
        depth--;
    }
}
