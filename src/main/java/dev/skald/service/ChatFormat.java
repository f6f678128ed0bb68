package dev.skald.service;

/** The agreed format of a model's conversations. Thread-safe. */
public interface ChatFormat {
    /** The rendered prompt. @throws InferenceException if the template raises */
    String render(Prompt.Chat chat);

    /** Token ids of the rendered prompt; contents never become special tokens. @throws InferenceException if the template raises */
    int[] encode(Prompt.Chat chat);
}
