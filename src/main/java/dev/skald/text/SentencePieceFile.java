package dev.skald.text;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.google.protobuf.CodedInputStream;
import com.google.protobuf.WireFormat;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.TreeMap;

/**
 * Reads {@code tokenizer.model}, a sentencepiece model (a protobuf message of pieces, with the trainer's and the normaliser's settings), and what
 * the folder's tokenizer_config.json and added_tokens.json add to it.
 */
final class SentencePieceFile {
    private static final String NAME = "tokenizer.model";
    private static final long MAX_BYTES = 256 << 20;

    // fields of the messages
    private static final int PIECES = 1;
    private static final int TRAINER = 2;
    private static final int NORMALISER = 3;
    private static final int PIECE_TEXT = 1;
    private static final int PIECE_SCORE = 2;
    private static final int PIECE_KIND = 3;
    private static final int MODEL_TYPE = 3;
    private static final int SUFFIX_SPACES = 24;
    private static final int BEGIN_ID = 41;
    private static final int END_ID = 42;
    private static final int CHARS_MAP = 2;
    private static final int SPACE_PREFIX = 3;
    private static final int TRIM = 4;
    private static final int ESCAPE_SPACES = 5;

    private static final int UNIGRAM = 1;
    private static final int BPE = 2;

    private final String where;
    private final List<String> pieces = new ArrayList<>();
    private final List<Float> scores = new ArrayList<>();
    private final List<Vocabulary.Kind> kinds = new ArrayList<>();
    private int modelType = UNIGRAM;
    private int begin = 1;
    private int end = 2;
    private byte[] charsMap = {};
    private boolean spacePrefix = true;
    private boolean trim = true;

    private SentencePieceFile(String where) {
        this.where = where;
    }

    static boolean isIn(Path folder) {
        return Files.exists(folder.resolve(NAME));
    }

    /** @throws TokenizerException if it is damaged or asks for what a tokenizer.json can't say */
    static Vocabulary read(Path folder) {
        Path path = folder.resolve(NAME);
        SentencePieceFile file = new SentencePieceFile(path.toString());
        try {
            if (Files.size(path) > MAX_BYTES) throw new TokenizerException(path + " is larger than " + MAX_BYTES + " bytes");
            file.model(CodedInputStream.newInstance(Files.readAllBytes(path)));
        } catch (IOException e) {
            throw new TokenizerException(path + " is no sentencepiece model: " + e.getMessage(), e);
        }
        JsonNode config = json(folder.resolve("tokenizer_config.json"));
        file.add(config, json(folder.resolve("added_tokens.json")));
        return file.vocabulary(config.path("add_bos_token").asBoolean(true), config.path("add_eos_token").asBoolean(false));
    }

    private Vocabulary vocabulary(boolean addBegin, boolean addEnd) {
        if (modelType != UNIGRAM && modelType != BPE) throw new TokenizerException(where + " is a sentencepiece model of type " + modelType + "; known are unigram and BPE");
        return new Vocabulary(
                where,
                pieces,
                kinds,
                new Vocabulary.SentencePiece(modelType == UNIGRAM, scores, new Vocabulary.Normalising(charsMap, spacePrefix, trim)),
                around(addBegin, begin),
                around(addEnd, end));
    }

    private static OptionalInt around(boolean wanted, int id) {
        return wanted && id >= 0 ? OptionalInt.of(id) : OptionalInt.empty();
    }

    private interface Field {
        /** Reads the field, or leaves it. @return whether it was read */
        boolean read(CodedInputStream in, int field) throws IOException;
    }

    /** Reads one message up to its end; fields that nobody takes are skipped. */
    private static void message(CodedInputStream in, Field known) throws IOException {
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            if (!known.read(in, WireFormat.getTagFieldNumber(tag)) && !in.skipField(tag)) return;
        }
    }

    private static void nested(CodedInputStream in, Field known) throws IOException {
        int limit = in.pushLimit(in.readRawVarint32());
        message(in, known);
        in.checkLastTagWas(0);
        in.popLimit(limit);
    }

    private void model(CodedInputStream model) throws IOException {
        message(model, (in, field) -> {
            switch (field) {
                case PIECES -> piece(in);
                case TRAINER -> nested(in, this::trainer);
                case NORMALISER -> nested(in, this::normaliser);
                default -> {
                    return false;
                }
            }
            return true;
        });
    }

    private void piece(CodedInputStream model) throws IOException {
        if (pieces.size() == Vocabulary.MAX_PIECES) throw new TokenizerException(where + " has more than " + Vocabulary.MAX_PIECES + " tokens");
        pieces.add("");
        scores.add(0f);
        kinds.add(Vocabulary.Kind.NORMAL);
        int last = pieces.size() - 1;
        nested(model, (in, field) -> {
            switch (field) {
                case PIECE_TEXT -> pieces.set(last, in.readStringRequireUtf8());
                case PIECE_SCORE -> scores.set(last, in.readFloat());
                case PIECE_KIND -> kinds.set(last, Vocabulary.Kind.of(where, in.readEnum()));
                default -> {
                    return false;
                }
            }
            return true;
        });
    }

    private boolean trainer(CodedInputStream in, int field) throws IOException {
        switch (field) {
            case MODEL_TYPE -> modelType = in.readEnum();
            case BEGIN_ID -> begin = in.readInt32();
            case END_ID -> end = in.readInt32();
            case SUFFIX_SPACES -> {
                if (in.readBool()) throw new TokenizerException(where + " puts spaces behind its words, which is not supported");
            }
            default -> {
                return false;
            }
        }
        return true;
    }

    private boolean normaliser(CodedInputStream in, int field) throws IOException {
        switch (field) {
            case CHARS_MAP -> charsMap = in.readByteArray();
            case SPACE_PREFIX -> spacePrefix = in.readBool();
            case TRIM -> trim = in.readBool();
            case ESCAPE_SPACES -> {
                if (!in.readBool()) throw new TokenizerException(where + " leaves spaces as they are, which is not supported");
            }
            default -> {
                return false;
            }
        }
        return true;
    }

    /** Tokens that the folder's other files add behind the model's own, by their ids. */
    private void add(JsonNode config, JsonNode addedTokens) {
        TreeMap<Integer, Added> added = new TreeMap<>();
        addedTokens.properties().forEach(e -> added.put(e.getValue().asInt(-1), new Added(e.getKey(), false)));
        for (Map.Entry<String, JsonNode> e : config.path("added_tokens_decoder").properties()) {
            added.put(id(e.getKey()), new Added(e.getValue().path("content").asText(), e.getValue().path("special").asBoolean()));
        }
        added.forEach((id, token) -> {
            if (id >= 0 && id < pieces.size() && pieces.get(id).equals(token.content)) return;
            if (id != pieces.size()) {
                throw new TokenizerException(where + " has " + pieces.size() + " tokens, but the files beside it add \"" + token.content + "\" as number " + id);
            }
            pieces.add(token.content);
            scores.add(0f);
            kinds.add(token.special ? Vocabulary.Kind.CONTROL : Vocabulary.Kind.USER_DEFINED);
        });
    }

    private record Added(String content, boolean special) {}

    private int id(String text) {
        try {
            return Integer.parseInt(text);
        } catch (NumberFormatException e) {
            throw new TokenizerException(where + ": tokenizer_config.json beside it adds a token with the id " + text, e);
        }
    }

    private static JsonNode json(Path file) {
        if (!Files.isRegularFile(file)) return MissingNode.getInstance();
        try {
            return TokenizerFile.JSON.readTree(Files.readAllBytes(file));
        } catch (IOException e) {
            throw new TokenizerException(file + " can't be read: " + TokenizerFile.explain(e), e);
        }
    }
}
