package dev.skald.convert;

import dev.skald.text.Vocabulary;
import dev.skald.weights.GgufWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** What a GGUF file says of a tokenizer. */
final class VocabularyKeys {
    private static final String KEYS = "tokenizer.ggml.";
    /** A list, since the order of a map would differ from run to run, and with it the file. */
    private static final List<Map.Entry<String, String>> SPECIAL = List.of(
            Map.entry("bos_token", "bos_token_id"), Map.entry("eos_token", "eos_token_id"), Map.entry("unk_token", "unknown_token_id"),
            Map.entry("pad_token", "padding_token_id"));
    private static final List<String> ENDS = List.of("eos_token_id", "eot_token_id", "eom_token_id");

    private VocabularyKeys() {}

    /**
     * @param rows    of the embedding: the file has as many tokens, the missing ones unused
     * @param special bos_token, eos_token, … by name
     * @param endIds  tokens that end a sequence, the most usual first
     * @throws ConversionException if there are more tokens than rows
     */
    static void put(GgufWriter writer, Vocabulary vocabulary, int rows, Map<String, String> special, List<Integer> endIds) {
        List<String> pieces = new ArrayList<>(vocabulary.pieces());
        if (pieces.size() > rows) {
            throw new ConversionException(vocabulary.where() + " has " + pieces.size() + " tokens, the embedding only " + rows + " rows");
        }
        List<Vocabulary.Kind> kinds = new ArrayList<>(vocabulary.kinds());
        while (pieces.size() < rows) {
            pieces.add("[PAD" + pieces.size() + "]");
            kinds.add(Vocabulary.Kind.UNUSED);
        }
        switch (vocabulary.model()) {
            case Vocabulary.ByteLevel bytes -> {
                writer.put(KEYS + "model", "gpt2").put(KEYS + "pre", bytes.split().ggufName()).put(KEYS + "merges", bytes.merges());
            }
            case Vocabulary.SentencePiece pieceModel -> {
                if (pieceModel.unigram()) throw new ConversionException(vocabulary.where() + " is a unigram vocabulary, which llama's GGUF files don't hold");
                float[] scores = new float[rows];
                for (int id = 0; id < pieceModel.scores().size(); id++) scores[id] = pieceModel.scores().get(id);
                writer.put(KEYS + "model", "llama").put(KEYS + "pre", "default").put(KEYS + "scores", scores);
                writer.put(KEYS + "add_space_prefix", pieceModel.rules().spacePrefix());
            }
        }
        writer.put(KEYS + "tokens", pieces);
        writer.put(KEYS + "token_type", kinds.stream().mapToInt(kind -> kind.ordinal() + 1).toArray());
        putIds(writer, vocabulary, special, endIds);
        writer.put(KEYS + "add_bos_token", vocabulary.begin().isPresent()).put(KEYS + "add_eos_token", vocabulary.end().isPresent());
    }

    private static void putIds(GgufWriter writer, Vocabulary vocabulary, Map<String, String> special, List<Integer> endIds) {
        for (int i = 0; i < Math.min(ENDS.size(), endIds.size()); i++) writer.put(KEYS + ENDS.get(i), endIds.get(i));
        for (Map.Entry<String, String> entry : SPECIAL) {
            String name = entry.getKey();
            int id = special.containsKey(name) ? vocabulary.pieces().indexOf(special.get(name)) : -1;
            boolean begins = name.equals("bos_token") && vocabulary.begin().isPresent();
            boolean ends = name.equals("eos_token") && !endIds.isEmpty();
            if (id >= 0 && !begins && !ends) writer.put(KEYS + entry.getValue(), id);
        }
        vocabulary.begin().ifPresent(id -> writer.put(KEYS + "bos_token_id", id));
    }
}
