package dev.skald.text.jinja;

/** A string among the variables of a rendering that is trusted like the template's own text: the begin token, a role. */
public record OwnText(String text) {}
