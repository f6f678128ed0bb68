package dev.skald.boot;

import dev.skald.text.PreTokenizer;
import dev.skald.text.TokenizerException;
import dev.skald.text.Vocabulary;
import dev.skald.weights.GgufMetadata;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.Stream;

/**
 * What the keys {@code tokenizer.ggml.*} of a GGUF file say.
 *
 * @param vocabulary    its tokenizer
 * @param specialTokens bos_token, eos_token, … by name, as templates know them
 * @param endIds        tokens that end a sequence, ascending
 */
record GgufVocabulary(Vocabulary vocabulary, Map<String, String> specialTokens, List<Integer> endIds) {
    private static final String KEYS = "tokenizer.ggml.";
    private static final int MAX_MERGES = 1 << 22;
    private static final Map<String, String> SPECIAL = Map.of(
            "bos_token", "bos_token_id", "eos_token", "eos_token_id", "unk_token", "unknown_token_id", "sep_token", "seperator_token_id",
            "pad_token", "padding_token_id", "cls_token", "cls_token_id", "mask_token", "mask_token_id");
    /** How control tokens that end a turn are spelt: files name one end only, and a chat may end with another. */
    private static final Set<String> TURN_ENDS = Set.of("<|im_end|>", "<|eot_id|>", "<|eom_id|>", "<end_of_turn>", "<|end|>", "<|endoftext|>", "<EOT>");

    /** @throws TokenizerException for a vocabulary of an unknown kind @throws dev.skald.weights.CheckpointException for keys of a wrong type */
    static GgufVocabulary read(GgufMetadata metadata) {
        String where = metadata.file();
        String kind = metadata.string(KEYS + "model").orElseThrow(() -> new TokenizerException(where + " has no vocabulary (" + KEYS + "model)"));
        List<String> pieces = metadata.strings(KEYS + "tokens", Vocabulary.MAX_PIECES);
        List<Vocabulary.Kind> kinds = kinds(metadata, pieces.size());
        Vocabulary.Model model = switch (kind) {
            case "gpt2" -> byteLevel(metadata);
            case "llama" -> sentencePiece(metadata, pieces.size());
            default -> throw new TokenizerException(where + " has a vocabulary of the kind " + kind + ", which is unknown; known are gpt2 and llama");
        };
        boolean begins = switch (model) {
            case Vocabulary.ByteLevel bytes -> bytes.split().begins();
            case Vocabulary.SentencePiece sp -> true;
        };
        OptionalInt begin = around(metadata, "add_bos_token", begins, "bos_token_id", pieces.size());
        OptionalInt end = around(metadata, "add_eos_token", false, "eos_token_id", pieces.size());
        return new GgufVocabulary(
                new Vocabulary(where, pieces, kinds, model, begin, end), special(metadata, pieces), endIds(metadata, pieces, kinds));
    }

    private static List<Vocabulary.Kind> kinds(GgufMetadata metadata, int pieces) {
        if (!metadata.has(KEYS + "token_type")) return new ArrayList<>(java.util.Collections.nCopies(pieces, Vocabulary.Kind.NORMAL));
        return Arrays.stream(metadata.integers(KEYS + "token_type", Vocabulary.MAX_PIECES))
                .mapToObj(number -> Vocabulary.Kind.of(metadata.file(), number))
                .toList();
    }

    private static Vocabulary.Model byteLevel(GgufMetadata metadata) {
        String pre = metadata.string(KEYS + "pre").orElseThrow(() -> new TokenizerException(
                metadata.file() + " doesn't say how its text is split (" + KEYS + "pre): it is from before 2024-05 and must be converted again"));
        return new Vocabulary.ByteLevel(PreTokenizer.of(metadata.file(), pre), metadata.strings(KEYS + "merges", MAX_MERGES));
    }

    private static Vocabulary.Model sentencePiece(GgufMetadata metadata, int pieces) {
        float[] scores = metadata.floats(KEYS + "scores", Vocabulary.MAX_PIECES);
        if (scores.length != pieces) throw new TokenizerException(metadata.file() + " has " + pieces + " tokens and " + scores.length + " scores");
        List<Float> list = new ArrayList<>(scores.length);
        for (float score : scores) list.add(score);
        boolean prefix = metadata.flag(KEYS + "add_space_prefix").orElse(true);
        return new Vocabulary.SentencePiece(false, list, Vocabulary.Normalising.spaces(prefix));
    }

    private static OptionalInt around(GgufMetadata metadata, String flag, boolean otherwise, String id, int pieces) {
        return metadata.flag(KEYS + flag).orElse(otherwise) ? id(metadata, id, pieces) : OptionalInt.empty();
    }

    /** A token's number; files say −1 for none. */
    private static OptionalInt id(GgufMetadata metadata, String key, int pieces) {
        long id = metadata.integer(KEYS + key).orElse(-1);
        return id >= 0 && id < pieces ? OptionalInt.of((int) id) : OptionalInt.empty();
    }

    private static Map<String, String> special(GgufMetadata metadata, List<String> pieces) {
        Map<String, String> tokens = new HashMap<>();
        SPECIAL.forEach((name, key) -> id(metadata, key, pieces.size()).ifPresent(id -> tokens.put(name, pieces.get(id))));
        return Map.copyOf(tokens);
    }

    private static List<Integer> endIds(GgufMetadata metadata, List<String> pieces, List<Vocabulary.Kind> kinds) {
        Stream<Integer> named = Stream.of("eos_token_id", "eot_token_id", "eom_token_id")
                .flatMap(key -> id(metadata, key, pieces.size()).stream().boxed());
        List<Integer> spelt = new ArrayList<>();
        for (int id = 0; id < Math.min(pieces.size(), kinds.size()); id++) {
            if (kinds.get(id) == Vocabulary.Kind.CONTROL && TURN_ENDS.contains(pieces.get(id))) spelt.add(id);
        }
        return Stream.concat(named, spelt.stream()).distinct().sorted().toList();
    }
}
