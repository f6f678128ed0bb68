/**
 * The language of chat templates: Jinja2 as Python's sandboxed, immutable environment runs it, with the loop controls and the functions
 * that chat templates may count on. A {@link dev.skald.text.jinja.JinjaTemplate} is immutable and safe everywhere; everything of one
 * rendering belongs to the thread that renders.
 *
 * <p>Each string knows which of its characters came from outside the template, however it was cut, joined or replaced, so that a special
 * token can be told from a request's text that spells one.
 */
package dev.skald.text.jinja;
