package dev.skald.text.jinja;

/**
 * A piece of a template.
 *
 * @param text   of text outside of tags, a name, an operator, the digits of a number; of a string its value
 * @param line   counted from 1
 * @param column counted from 1
 */
record Token(Kind kind, String text, int line, int column) {
    enum Kind {
        TEXT, BLOCK_BEGIN, BLOCK_END, PRINT_BEGIN, PRINT_END, NAME, STRING, INTEGER, REAL, OPERATOR, END
    }

    boolean is(String operator) {
        return kind == Kind.OPERATOR && text.equals(operator);
    }

    boolean isName(String name) {
        return kind == Kind.NAME && text.equals(name);
    }

    /** For messages. */
    String describe() {
        return switch (kind) {
            case TEXT -> "text";
            case BLOCK_BEGIN -> "'{%'";
            case BLOCK_END -> "end of statement block";
            case PRINT_BEGIN -> "'{{'";
            case PRINT_END -> "end of print statement";
            case END -> "end of template";
            case STRING -> "string";
            default -> "'" + text + "'";
        };
    }
}
