package dev.skald.model;

/**
 * What a checkpoint calls a family's tensors, and in which order it holds the rows of q and k. Names of modules, without the ending {@code .weight} or {@code .bias}.
 *
 * @param embedding   {@code [vocabulary, hidden]}
 * @param finalNorm   {@code [hidden]}
 * @param head        {@code [vocabulary, hidden]}; unused when the head is tied to the embedding
 * @param layerPrefix before the layer's index, e.g. {@code "model.layers."}
 * @param layer       names behind the index
 * @param headRows    order of a head's rows in q and k
 */
public record TensorNames(String embedding, String finalNorm, String head, String layerPrefix, Layer layer, HeadRows headRows) {
    /**
     * @param inputNorm         {@code [hidden]}
     * @param query             {@code [heads·headDim, hidden]}
     * @param key               {@code [kvHeads·headDim, hidden]}
     * @param value             {@code [kvHeads·headDim, hidden]}
     * @param output            {@code [hidden, heads·headDim]}
     * @param postAttentionNorm {@code [hidden]}
     * @param gate              {@code [intermediate, hidden]}
     * @param up                {@code [intermediate, hidden]}
     * @param down              {@code [hidden, intermediate]}
     */
    public record Layer(
            String inputNorm,
            String query,
            String key,
            String value,
            String output,
            String postAttentionNorm,
            String gate,
            String up,
            String down) {}

    /** The full name of a layer's module. */
    String inLayer(int index, String module) {
        return layerPrefix + index + "." + module;
    }

    /** Whether a full name, with its ending, is that of a layer's query or key. */
    boolean isQueryOrKey(String name) {
        String module = name.substring(0, Math.max(0, name.lastIndexOf('.')));
        return module.startsWith(layerPrefix) && (module.endsWith("." + layer.query) || module.endsWith("." + layer.key));
    }
}
