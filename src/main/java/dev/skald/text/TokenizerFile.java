package dev.skald.text;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * What Skald itself reads in a tokenizer.json: added tokens, vocabulary, decoder. The vocabulary is streamed, since it has up to some
 * hundred thousand entries; where its special tokens are spelt in the text is remembered, so that {@link PlainTokenizerJson} can respell
 * them without writing the whole file anew. Immutable once read.
 */
final class TokenizerFile {
    /** No vocabulary in use has a tenth of it; a hostile file must not make us allocate by its ids. */
    static final int MAX_VOCABULARY = 1 << 24;

    static final ObjectMapper JSON = new ObjectMapper(JsonFactory.builder()
            .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
            .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
            .build());

    /**
     * A JSON string's place in the file's text.
     *
     * @param content what it says
     * @param start   offset of its opening quote, UTF-16
     */
    record Spelling(String content, int start) {}

    /** From {@code start} to {@code end}, exclusive, in the file's text, UTF-16. */
    record Span(int start, int end) {}

    private final String text;
    private final List<AddedToken> added = new ArrayList<>();
    private Set<String> special = Set.of();
    private Span addedSpan = new Span(0, 0);
    private JsonNode decoder = MissingNode.getInstance();
    private String[] pieces = new String[0];
    private int size;
    private final List<Spelling> specialInVocabulary = new ArrayList<>();
    private final Set<String> specialInMerges = new HashSet<>();
    private Spelling unknown = new Spelling("", -1);

    private TokenizerFile(String text) {
        this.text = text;
    }

    /**
     * @param text a tokenizer.json
     * @throws IOException if it is no JSON, or not of the shape that it should be
     */
    static TokenizerFile parse(String text) throws IOException {
        TokenizerFile file = new TokenizerFile(text);
        // Special tokens are wanted while the vocabulary is read, and may stand after it.
        file.readTop(false);
        file.special = file.added.stream().filter(AddedToken::special).map(AddedToken::content).collect(Collectors.toUnmodifiableSet());
        file.readTop(true);
        for (AddedToken token : file.added) file.put(token.id(), token.content());
        if (file.size == 0) throw new IOException("it has no vocabulary");
        file.pieces = Arrays.copyOf(file.pieces, file.size);
        return file;
    }

    private void readTop(boolean model) throws IOException {
        try (JsonParser parser = JSON.getFactory().createParser(text)) {
            if (parser.nextToken() != JsonToken.START_OBJECT) throw new IOException("it is not a JSON object");
            while (parser.nextToken() == JsonToken.FIELD_NAME) {
                String name = parser.currentName();
                JsonToken value = parser.nextToken();
                switch (name) {
                    case "added_tokens" -> {
                        if (model || value == JsonToken.VALUE_NULL) parser.skipChildren();
                        else readAdded(parser);
                    }
                    case "decoder" -> {
                        if (model) decoder = JSON.readTree(parser);
                        else parser.skipChildren();
                    }
                    case "model" -> {
                        if (model) readModel(parser);
                        else parser.skipChildren();
                    }
                    default -> parser.skipChildren();
                }
                if (!model && name.equals("added_tokens")) return;
            }
            if (model && parser.currentToken() != JsonToken.END_OBJECT) throw new IOException("it ends early");
        }
    }

    private void readAdded(JsonParser parser) throws IOException {
        int start = start(parser);
        JsonNode array = JSON.readTree(parser);
        addedSpan = new Span(start, (int) parser.currentLocation().getCharOffset());
        for (JsonNode node : array) {
            if (!node.path("id").isInt() || !node.path("content").isTextual()) throw new IOException("an added token lacks id or content: " + node);
            if (node.path("content").asText().isEmpty()) continue;
            added.add(new AddedToken(node.path("id").asInt(), node.path("content").asText(), node.path("special").asBoolean(),
                    node.path("single_word").asBoolean(), node.path("lstrip").asBoolean(), node.path("rstrip").asBoolean(),
                    node.path("normalized").asBoolean()));
        }
    }

    private void readModel(JsonParser parser) throws IOException {
        if (parser.currentToken() != JsonToken.START_OBJECT) throw new IOException("its model is not an object");
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
            String name = parser.currentName();
            JsonToken value = parser.nextToken();
            if (name.equals("vocab") && value == JsonToken.START_OBJECT) readVocabulary(parser);
            else if (name.equals("vocab") && value == JsonToken.START_ARRAY) readScoredVocabulary(parser);
            else if (name.equals("merges") && value == JsonToken.START_ARRAY) readMerges(parser);
            else if (name.equals("unk_token") && value == JsonToken.VALUE_STRING) unknown = new Spelling(parser.getText(), start(parser));
            else parser.skipChildren();
        }
    }

    /** {@code {"piece": id, …}} of BPE, WordLevel and WordPiece. */
    private void readVocabulary(JsonParser parser) throws IOException {
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
            String piece = parser.currentName();
            if (special.contains(piece)) specialInVocabulary.add(new Spelling(piece, start(parser)));
            if (parser.nextToken() != JsonToken.VALUE_NUMBER_INT) throw new IOException("the id of \"" + piece + "\" is not a whole number");
            put(parser.getIntValue(), piece);
        }
    }

    /** {@code [["piece", score], …]} of Unigram; the index is the id. */
    private void readScoredVocabulary(JsonParser parser) throws IOException {
        for (int id = 0; parser.nextToken() == JsonToken.START_ARRAY; id++) {
            if (parser.nextToken() != JsonToken.VALUE_STRING) throw new IOException("entry " + id + " of the vocabulary has no piece");
            String piece = parser.getText();
            if (special.contains(piece)) specialInVocabulary.add(new Spelling(piece, start(parser)));
            put(id, piece);
            while (parser.nextToken() != JsonToken.END_ARRAY) {
                if (parser.currentToken() == null) throw new IOException("it ends early");
                parser.skipChildren();
            }
        }
    }

    /** {@code ["a b", …]} or {@code [["a", "b"], …]}: which special tokens are made or used by merging, and so can't be respelt? */
    private void readMerges(JsonParser parser) throws IOException {
        if (special.isEmpty()) {
            parser.skipChildren();
            return;
        }
        while (parser.nextToken() != JsonToken.END_ARRAY) {
            if (parser.currentToken() == null) throw new IOException("it ends early");
            if (parser.currentToken() == JsonToken.START_ARRAY) {
                String left = parser.nextTextValue();
                String right = parser.nextTextValue();
                noteMerge(left == null ? "" : left, right == null ? "" : right);
                parser.nextToken();
            } else {
                String merge = parser.getText();
                int space = merge.indexOf(' ');
                if (space >= 0) noteMerge(merge.substring(0, space), merge.substring(space + 1));
            }
        }
    }

    private void noteMerge(String left, String right) {
        for (String part : List.of(left, right, left + right)) if (special.contains(part)) specialInMerges.add(part);
    }

    private void put(int id, String piece) throws IOException {
        if (id < 0 || id >= MAX_VOCABULARY) throw new IOException("\"" + piece + "\" has the id " + id + ", outside 0 … " + (MAX_VOCABULARY - 1));
        if (id >= pieces.length) pieces = Arrays.copyOf(pieces, Math.min(MAX_VOCABULARY, Math.max(id + 1, pieces.length * 2)));
        pieces[id] = piece;
        size = Math.max(size, id + 1);
    }

    private static int start(JsonParser parser) {
        return (int) parser.currentTokenLocation().getCharOffset();
    }

    String text() {
        return text;
    }

    List<AddedToken> added() {
        return List.copyOf(added);
    }

    /** Where the array of added tokens stands; empty if there is none. */
    Span addedSpan() {
        return addedSpan;
    }

    /** A missing or null node if the file has no decoder. */
    JsonNode decoder() {
        return decoder;
    }

    /** Pieces by id; null where an id is not in use. Not copied: read it only. */
    String[] pieces() {
        return pieces;
    }

    /** Special tokens that the vocabulary spells too, in the order of the file. */
    List<Spelling> specialInVocabulary() {
        return List.copyOf(specialInVocabulary);
    }

    Set<String> specialInMerges() {
        return Set.copyOf(specialInMerges);
    }

    /** The model's token for the unknown; its start is negative if it has none. */
    Spelling unknown() {
        return unknown;
    }

    static String explain(IOException e) {
        return e instanceof JsonProcessingException json ? json.getOriginalMessage() : String.valueOf(e.getMessage());
    }
}
