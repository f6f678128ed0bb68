package dev.skald.text.jinja;

/**
 * What a template may use. Templates come with a model, and a model may come from anywhere.
 *
 * @param maxTemplateChars length of the source, UTF-16
 * @param maxSteps         evaluated nodes, loop turns and list elements that were made, in one rendering
 * @param maxTextChars     all text that one rendering makes, intermediate strings included, UTF-16: bounds its memory
 * @param maxOutputBytes   of the rendered text, UTF-8
 * @param maxDepth         nested expressions, blocks, macro calls and values
 */
public record JinjaLimits(int maxTemplateChars, int maxSteps, int maxTextChars, int maxOutputBytes, int maxDepth) {
    public static final JinjaLimits DEFAULT = new JinjaLimits(1 << 20, 10_000_000, 1 << 26, 1 << 24, 200);

    public JinjaLimits {
        if (maxTemplateChars <= 0 || maxSteps <= 0 || maxTextChars <= 0 || maxOutputBytes <= 0 || maxDepth <= 0) {
            throw new IllegalArgumentException("each limit must be positive");
        }
    }
}
