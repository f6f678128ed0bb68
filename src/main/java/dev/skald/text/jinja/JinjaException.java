package dev.skald.text.jinja;

/** A template that can't be read or doesn't come to its end. The message is one sentence; line and column count from 1, 0 if unknown. */
public final class JinjaException extends RuntimeException {
    public enum Kind {
        /** The template is no template, or uses what there isn't. */
        SYNTAX,
        /** Something undefined was used for more than printing or asking. */
        UNDEFINED,
        /** An operation that its operands don't have. */
        TYPE,
        /** What the sandbox forbids. */
        SECURITY,
        /** The template called raise_exception; the message is the template's own. */
        RAISED,
        /** One of {@link JinjaLimits}. */
        LIMIT
    }

    private final Kind kind;
    private final int line;
    private final int column;

    public JinjaException(Kind kind, String message) {
        this(kind, message, 0, 0);
    }

    public JinjaException(Kind kind, String message, int line, int column) {
        super(message);
        this.kind = kind;
        this.line = line;
        this.column = column;
    }

    static JinjaException type(String message) {
        return new JinjaException(Kind.TYPE, message);
    }

    static JinjaException limit(String message) {
        return new JinjaException(Kind.LIMIT, message);
    }

    /** @return this error with a place, unless it has one */
    JinjaException at(int atLine, int atColumn) {
        if (line > 0) return this;
        JinjaException placed = new JinjaException(kind, getMessage(), atLine, atColumn);
        placed.setStackTrace(getStackTrace());
        return placed;
    }

    public Kind kind() {
        return kind;
    }

    public int line() {
        return line;
    }

    public int column() {
        return column;
    }

    /** The message with its place. */
    public String describe() {
        return line == 0 ? getMessage() : "line " + line + ", column " + column + ": " + getMessage();
    }
}
