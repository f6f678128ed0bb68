/**
 * OpenAI's bodies to and from the service's requests and events; it translates and decides nothing. Pure, but for what gathers an answer,
 * which belongs to the thread that its events come on.
 */
package dev.skald.openai;
