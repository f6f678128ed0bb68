package dev.skald.text;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;

/** Writes the tokenizer.json that a {@link Vocabulary} amounts to, so that there is one kind of tokenizer. */
final class VocabularyJson {
    private static final String SPACE = "▁";
    private static final int BYTES = 256;
    /** So far below all others that pieces which text may not become are never the likeliest. */
    private static final float NEVER = 10_000;

    private final Vocabulary vocabulary;
    private final JsonGenerator json;
    /** Of each spelling the first id. */
    private final Map<String, Integer> ids = new HashMap<>();

    private VocabularyJson(Vocabulary vocabulary, JsonGenerator json) {
        this.vocabulary = vocabulary;
        this.json = json;
        for (int id = 0; id < vocabulary.pieces().size(); id++) ids.putIfAbsent(vocabulary.pieces().get(id), id);
    }

    /** @return UTF-8 */
    static byte[] write(Vocabulary vocabulary) {
        ByteArrayOutputStream out = new ByteArrayOutputStream(1 << 20);
        try (JsonGenerator json = TokenizerFile.JSON.getFactory().createGenerator(out)) {
            new VocabularyJson(vocabulary, json).write();
        } catch (IOException e) {
            throw new TokenizerException(vocabulary.where() + " has a vocabulary that can't be used: " + e.getMessage(), e);
        }
        return out.toByteArray();
    }

    private void write() throws IOException {
        json.writeStartObject();
        json.writeStringField("version", "1.0");
        addedTokens();
        switch (vocabulary.model()) {
            case Vocabulary.ByteLevel bytes -> byteLevel(bytes);
            case Vocabulary.SentencePiece pieces -> sentencePiece(pieces);
        }
        postProcessor();
        json.writeEndObject();
    }

    private void addedTokens() throws IOException {
        json.writeArrayFieldStart("added_tokens");
        for (int id = 0; id < vocabulary.pieces().size(); id++) {
            String piece = vocabulary.pieces().get(id);
            if (!added(id) || piece.isEmpty() || ids.get(piece) != id) continue;
            json.writeStartObject();
            json.writeNumberField("id", id);
            json.writeStringField("content", piece);
            for (String field : List.of("single_word", "lstrip", "rstrip", "normalized")) json.writeBooleanField(field, false);
            json.writeBooleanField("special", vocabulary.kinds().get(id) != Vocabulary.Kind.USER_DEFINED);
            json.writeEndObject();
        }
        json.writeEndArray();
    }

    /** Whether a piece is looked for in the text as it is. One with the sign for spaces can only be found after normalising, by merging. */
    private boolean added(int id) {
        return switch (vocabulary.kinds().get(id)) {
            case CONTROL, UNKNOWN -> true;
            case USER_DEFINED -> vocabulary.model() instanceof Vocabulary.ByteLevel || !vocabulary.pieces().get(id).contains(SPACE);
            case NORMAL, UNUSED, BYTE -> false;
        };
    }

    private void byteLevel(Vocabulary.ByteLevel model) throws IOException {
        PreTokenizer split = model.split();
        if (split.extra() == PreTokenizer.Extra.NFC) json.writeObjectField("normalizer", Map.of("type", "NFC"));
        List<Object> steps = new ArrayList<>();
        for (PreTokenizer.Cut cut : split.cuts()) {
            steps.add(cut.pattern().isEmpty()
                    ? Map.of("type", "Digits", "individual_digits", true)
                    : Map.of("type", "Split", "pattern", Map.of("Regex", cut.pattern()), "behavior", "Isolated", "invert", false));
        }
        steps.add(Map.of("type", "ByteLevel", "add_prefix_space", false, "trim_offsets", true, "use_regex", split.gpt2Words()));
        json.writeObjectField("pre_tokenizer", Map.of("type", "Sequence", "pretokenizers", steps));
        json.writeObjectField("decoder", Map.of("type", "ByteLevel", "add_prefix_space", false, "trim_offsets", true, "use_regex", true));
        json.writeObjectFieldStart("model");
        json.writeStringField("type", "BPE");
        json.writeBooleanField("ignore_merges", split.extra() == PreTokenizer.Extra.WHOLE_WORDS);
        pieces();
        json.writeArrayFieldStart("merges");
        for (String merge : model.merges()) {
            int space = merge.indexOf(' ', 1);
            if (space < 0) throw new IOException("the merge \"" + merge + "\" has no two parts");
            merge(merge.substring(0, space), merge.substring(space + 1));
        }
        json.writeEndArray();
        json.writeEndObject();
    }

    private void sentencePiece(Vocabulary.SentencePiece model) throws IOException {
        json.writeObjectField("normalizer", Map.of("type", "Sequence", "normalizers", normalisers(model.rules())));
        List<Object> decoders = new ArrayList<>(List.of(
                Map.of("type", "Replace", "pattern", Map.of("String", SPACE), "content", " "), Map.of("type", "ByteFallback"), Map.of("type", "Fuse")));
        if (model.rules().spacePrefix()) decoders.add(Map.of("type", "Strip", "content", " ", "start", 1, "stop", 0));
        json.writeObjectField("decoder", Map.of("type", "Sequence", "decoders", decoders));
        OptionalInt unknown = first(Vocabulary.Kind.UNKNOWN);
        boolean allBytes = vocabulary.kinds().stream().filter(kind -> kind == Vocabulary.Kind.BYTE).count() == BYTES;
        json.writeObjectFieldStart("model");
        json.writeStringField("type", model.unigram() ? "Unigram" : "BPE");
        json.writeBooleanField("byte_fallback", allBytes);
        if (model.unigram()) {
            if (unknown.isPresent()) json.writeNumberField("unk_id", unknown.getAsInt());
            scoredPieces(model);
        } else {
            if (unknown.isPresent()) json.writeStringField("unk_token", vocabulary.pieces().get(unknown.getAsInt()));
            json.writeBooleanField("fuse_unk", true);
            pieces();
            json.writeArrayFieldStart("merges");
            for (SentencePieceMerges.Merge merge : SentencePieceMerges.of(vocabulary, model, ids)) merge(merge.left(), merge.right());
            json.writeEndArray();
        }
        json.writeEndObject();
    }

    private static List<Object> normalisers(Vocabulary.Normalising rules) {
        List<Object> steps = new ArrayList<>();
        if (rules.charsMap().length > 0) {
            steps.add(Map.of("type", "Precompiled", "precompiled_charsmap", Base64.getEncoder().encodeToString(rules.charsMap())));
        }
        if (rules.trim()) {
            steps.add(Map.of("type", "Strip", "strip_left", true, "strip_right", true));
            steps.add(Map.of("type", "Replace", "pattern", Map.of("Regex", " {2,}"), "content", " "));
        }
        if (rules.spacePrefix()) steps.add(Map.of("type", "Prepend", "prepend", SPACE));
        steps.add(Map.of("type", "Replace", "pattern", Map.of("String", " "), "content", SPACE));
        return steps;
    }

    private void pieces() throws IOException {
        json.writeObjectFieldStart("vocab");
        for (int id = 0; id < vocabulary.pieces().size(); id++) {
            String piece = vocabulary.pieces().get(id);
            if (ids.get(piece) == id) json.writeNumberField(piece, id);
        }
        json.writeEndObject();
    }

    private void scoredPieces(Vocabulary.SentencePiece model) throws IOException {
        float least = Float.MAX_VALUE;
        for (int id = 0; id < model.scores().size(); id++) {
            if (vocabulary.kinds().get(id) == Vocabulary.Kind.NORMAL) least = Math.min(least, model.scores().get(id));
        }
        json.writeArrayFieldStart("vocab");
        for (int id = 0; id < vocabulary.pieces().size(); id++) {
            boolean text = switch (vocabulary.kinds().get(id)) {
                case NORMAL, USER_DEFINED -> true;
                case UNKNOWN, CONTROL, UNUSED, BYTE -> false;
            };
            json.writeStartArray();
            json.writeString(vocabulary.pieces().get(id));
            json.writeNumber(text ? model.scores().get(id) : least - NEVER);
            json.writeEndArray();
        }
        json.writeEndArray();
    }

    private void merge(String left, String right) throws IOException {
        json.writeStartArray();
        json.writeString(left);
        json.writeString(right);
        json.writeEndArray();
    }

    /** Puts the begin and end tokens around a text. */
    private void postProcessor() throws IOException {
        if (vocabulary.begin().isEmpty() && vocabulary.end().isEmpty()) return;
        Map<String, Object> special = new HashMap<>();
        List<Object> single = new ArrayList<>();
        List<Object> pair = new ArrayList<>();
        around(vocabulary.begin(), single, pair, special);
        single.add(Map.of("Sequence", Map.of("id", "A", "type_id", 0)));
        pair.add(Map.of("Sequence", Map.of("id", "A", "type_id", 0)));
        pair.add(Map.of("Sequence", Map.of("id", "B", "type_id", 0)));
        around(vocabulary.end(), single, pair, special);
        json.writeObjectField("post_processor", Map.of("type", "TemplateProcessing", "single", single, "pair", pair, "special_tokens", special));
    }

    private void around(OptionalInt id, List<Object> single, List<Object> pair, Map<String, Object> special) {
        if (id.isEmpty()) return;
        String piece = vocabulary.pieces().get(id.getAsInt());
        for (List<Object> list : List.of(single, pair)) list.add(Map.of("SpecialToken", Map.of("id", piece, "type_id", 0)));
        special.put(piece, Map.of("id", piece, "ids", List.of(id.getAsInt()), "tokens", List.of(piece)));
    }

    private OptionalInt first(Vocabulary.Kind kind) {
        int at = vocabulary.kinds().indexOf(kind);
        return at < 0 ? OptionalInt.empty() : OptionalInt.of(at);
    }
}
