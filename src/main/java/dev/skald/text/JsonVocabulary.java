package dev.skald.text;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;

/**
 * Reads a model folder's tokenizer as a {@link Vocabulary}, which other formats can hold: the way back from {@link VocabularyJson}. A tokenizer
 * that a vocabulary can't express is refused, with one exception: where Metaspace puts a space before a text only at its very start and only if
 * it doesn't begin with one, a vocabulary puts one there always, and behind special tokens too, as sentencepiece itself; so texts that begin with
 * a space or hold special tokens may get other ids.
 */
public final class JsonVocabulary {
    private static final String SPACE = "▁";
    private static final int BYTES = 256;

    private final String where;
    private final JsonNode json;
    private final List<String> pieces = new ArrayList<>();
    private final List<Vocabulary.Kind> kinds = new ArrayList<>();

    private JsonVocabulary(String where, JsonNode json) {
        this.where = where;
        this.json = json;
    }

    /**
     * @param folder with a tokenizer.json, or else a tokenizer.model
     * @throws TokenizerException if there is none, or it is one that a vocabulary can't express
     */
    public static Vocabulary read(Path folder) {
        Path file = folder.resolve("tokenizer.json");
        if (!Files.exists(file) && SentencePieceFile.isIn(folder)) return SentencePieceFile.read(folder);
        try {
            return new JsonVocabulary(file.toString(), TokenizerFile.JSON.readTree(Files.readAllBytes(file))).vocabulary();
        } catch (IOException e) {
            throw new TokenizerException(file + " is no tokenizer: " + TokenizerFile.explain(e), e);
        }
    }

    /** @return a tokenizer.json, UTF-8 */
    public static byte[] write(Vocabulary vocabulary) {
        return VocabularyJson.write(vocabulary);
    }

    private Vocabulary vocabulary() {
        JsonNode model = json.path("model");
        if (!model.path("type").asText("BPE").equals("BPE") || !model.path("vocab").isObject()) {
            throw refused("its model is " + model.path("type").asText("unnamed") + ", and only BPE is built");
        }
        boolean byteLevel = !step(json.path("pre_tokenizer"), "ByteLevel").isEmpty();
        model.path("vocab").properties().forEach(e -> put(e.getValue().asInt(-1), e.getKey(), normalKind(e.getKey(), model, byteLevel)));
        for (JsonNode token : json.path("added_tokens")) {
            boolean unknown = token.path("content").asText().equals(model.path("unk_token").asText(""));
            Vocabulary.Kind kind = unknown && !byteLevel
                    ? Vocabulary.Kind.UNKNOWN
                    : token.path("special").asBoolean() ? Vocabulary.Kind.CONTROL : Vocabulary.Kind.USER_DEFINED;
            put(token.path("id").asInt(-1), token.path("content").asText(), kind);
        }
        Vocabulary.Model split = byteLevel ? byteLevel(model) : sentencePiece(model);
        for (int id = 0; id < pieces.size(); id++) {
            if (pieces.get(id).isEmpty()) put(id, "[PAD" + id + "]", Vocabulary.Kind.UNUSED);
        }
        Map<Boolean, OptionalInt> around = around();
        return new Vocabulary(where, pieces, kinds, split, around.get(true), around.get(false));
    }

    private static Vocabulary.Kind normalKind(String piece, JsonNode model, boolean byteLevel) {
        if (byteLevel) return Vocabulary.Kind.NORMAL;
        if (model.path("byte_fallback").asBoolean() && piece.matches("<0x[0-9A-F]{2}>")) return Vocabulary.Kind.BYTE;
        return piece.equals(model.path("unk_token").asText("")) ? Vocabulary.Kind.UNKNOWN : Vocabulary.Kind.NORMAL;
    }

    private void put(int id, String piece, Vocabulary.Kind kind) {
        if (id < 0 || id >= Vocabulary.MAX_PIECES) throw refused("\"" + piece + "\" has no usable id");
        int missing = id + 1 - pieces.size();
        if (missing > 0) {
            pieces.addAll(Collections.nCopies(missing, ""));
            kinds.addAll(Collections.nCopies(missing, Vocabulary.Kind.UNUSED));
        }
        pieces.set(id, piece);
        kinds.set(id, kind);
    }

    private Vocabulary.Model byteLevel(JsonNode model) {
        List<JsonNode> steps = steps(json.path("pre_tokenizer"));
        boolean composes = json.path("normalizer").path("type").asText().equals("NFC");
        if (!composes && json.path("normalizer").isObject()) throw refused("its normaliser " + json.path("normalizer").path("type") + " has no place in a GGUF file");
        boolean wholeWords = model.path("ignore_merges").asBoolean();
        PreTokenizer split = Arrays.stream(PreTokenizer.values())
                .filter(p -> (p.extra() == PreTokenizer.Extra.NFC) == composes)
                .filter(p -> (p.extra() == PreTokenizer.Extra.WHOLE_WORDS) == wholeWords)
                .filter(p -> cuts(p, steps))
                .findFirst()
                .orElseThrow(() -> refused("it cuts text in a way that has no name in GGUF files: " + json.path("pre_tokenizer")));
        return new Vocabulary.ByteLevel(split, merges(model));
    }

    private static boolean cuts(PreTokenizer p, List<JsonNode> steps) {
        if (steps.size() != p.cuts().size() + 1) return false;
        for (int i = 0; i < p.cuts().size(); i++) {
            JsonNode step = steps.get(i);
            String pattern = p.cuts().get(i).pattern();
            boolean same = pattern.isEmpty()
                    ? step.path("type").asText().equals("Digits") && step.path("individual_digits").asBoolean()
                    : step.path("type").asText().equals("Split") && step.path("behavior").asText().equals("Isolated") && !step.path("invert").asBoolean()
                            && step.path("pattern").path("Regex").asText().equals(pattern);
            if (!same) return false;
        }
        JsonNode last = steps.getLast();
        return last.path("type").asText().equals("ByteLevel") && !last.path("add_prefix_space").asBoolean()
                && last.path("use_regex").asBoolean(true) == p.gpt2Words();
    }

    /**
     * Sentencepiece merges the pair whose piece has the best score, where a tokenizer.json lists merges in that order: so a piece's score is
     * minus the place of the first merge that makes it.
     */
    private Vocabulary.Model sentencePiece(JsonNode model) {
        List<String> merges = merges(model);
        Map<String, Integer> rank = new HashMap<>();
        for (int i = 0; i < merges.size(); i++) rank.putIfAbsent(merges.get(i).replaceFirst(" ", ""), i);
        List<Float> scores = new ArrayList<>(pieces.size());
        for (int id = 0; id < pieces.size(); id++) {
            boolean text = kinds.get(id) == Vocabulary.Kind.NORMAL;
            scores.add(text ? (float) -rank.getOrDefault(pieces.get(id), merges.size()) : 0f);
        }
        return new Vocabulary.SentencePiece(false, scores, Vocabulary.Normalising.spaces(spacePrefix()));
    }

    /** Whether a space is put before each text; anything else that happens to text is refused. */
    private boolean spacePrefix() {
        boolean prefix = false;
        boolean spaces = false;
        for (JsonNode step : steps(json.path("normalizer"))) {
            switch (step.path("type").asText()) {
                case "Prepend" -> prefix = step.path("prepend").asText().equals(SPACE);
                case "Replace" -> spaces = step.path("content").asText().equals(SPACE) && step.path("pattern").path("String").asText().equals(" ");
                default -> throw refused("its normaliser " + step.path("type") + " has no place in a GGUF file");
            }
        }
        for (JsonNode step : steps(json.path("pre_tokenizer"))) {
            if (!step.path("type").asText().equals("Metaspace")) throw refused("its pre-tokenizer " + step.path("type") + " has no place in a GGUF file");
            spaces = step.path("replacement").asText().equals(SPACE);
            prefix = !step.path("prepend_scheme").asText("always").equals("never") && step.path("add_prefix_space").asBoolean(true);
        }
        if (!spaces) throw refused("it neither works on bytes nor marks spaces by " + SPACE);
        long bytes = kinds.stream().filter(kind -> kind == Vocabulary.Kind.BYTE).count();
        if (bytes != BYTES) throw refused("it has pieces for " + bytes + " bytes, not for all 256");
        return prefix;
    }

    /** "left right", most urgent first; files hold that, or pairs. */
    private List<String> merges(JsonNode model) {
        List<String> merges = new ArrayList<>();
        for (JsonNode merge : model.path("merges")) merges.add(merge.isArray() ? merge.path(0).asText() + " " + merge.path(1).asText() : merge.asText());
        return merges;
    }

    /** The tokens that are put before (true) and behind (false) a text. */
    private Map<Boolean, OptionalInt> around() {
        Map<Boolean, OptionalInt> around = new HashMap<>(Map.of(true, OptionalInt.empty(), false, OptionalInt.empty()));
        for (JsonNode template : step(json.path("post_processor"), "TemplateProcessing")) {
            boolean before = true;
            for (JsonNode part : template.path("single")) {
                if (part.has("Sequence")) {
                    before = false;
                    continue;
                }
                JsonNode ids = template.path("special_tokens").path(part.path("SpecialToken").path("id").asText()).path("ids");
                if (ids.size() != 1 || around.get(before).isPresent()) throw refused("it puts more than one token around a text");
                around.put(before, OptionalInt.of(ids.path(0).asInt(-1)));
            }
        }
        return around;
    }

    private static List<JsonNode> step(JsonNode node, String type) {
        return steps(node).stream().filter(step -> step.path("type").asText().equals(type)).toList();
    }

    /** A step by itself, or those of a sequence. */
    private static List<JsonNode> steps(JsonNode node) {
        if (!node.isObject()) return List.of();
        if (!node.path("type").asText().equals("Sequence")) return List.of(node);
        List<JsonNode> steps = new ArrayList<>();
        for (String list : List.of("normalizers", "pretokenizers", "processors")) node.path(list).forEach(steps::add);
        return steps;
    }

    private TokenizerException refused(String why) {
        return new TokenizerException(where + " can't be written as a GGUF vocabulary: " + why);
    }
}
