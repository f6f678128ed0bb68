package dev.skald.service;

import java.util.List;

/** What a model can be asked, wherever it runs. Thread-safe. */
public interface Inference extends AutoCloseable {
    ModelInfo model();

    /**
     * Starts a request. Returns at once; everything else, a refusal too, comes through the observer.
     *
     * @return acts on the request while it runs
     */
    InferenceCall start(InferenceRequest request, InferenceObserver observer);

    /** @throws InferenceException with a kind and a sentence */
    TokenizedText tokenize(String text, boolean addSpecial);

    /** @throws InferenceException naming the first id that is out of the vocabulary */
    String detokenize(List<Integer> ids, boolean skipSpecial);

    /** The prompt that a chat request would be answered from. @throws InferenceException if the template raises */
    String applyTemplate(Prompt.Chat chat);

    @Override
    void close();
}
