package dev.skald.text;

import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;

/**
 * Text to token ids and back, as the model's tokenizer.json says, or a vocabulary of another format that was made into one, by the Hugging
 * Face tokenizers library. Nothing is truncated or padded, whatever the file says. Thread-safe: everything is read-only once loaded, the
 * native objects too. They live as long as the process, since a server has one tokenizer and any thread may be in it.
 */
public final class Tokenizer {
    private final Source source;
    private final long handle;
    private final String[] pieces;
    private final BitSet special = new BitSet();
    private final List<AddedToken> added;
    private final Optional<TokenBytes> bytes;
    /** Spelt out on first use: a big vocabulary takes a second, and only chats need it. */
    private Optional<MarkedTokenizer> marked = Optional.empty();

    /** A tokenizer.json, wherever it is. Read again when it is needed again: the text of a big one is no thing to keep. */
    private interface Source {
        /** For messages. */
        String where();

        byte[] utf8() throws IOException;
    }

    private record FileSource(Path file) implements Source {
        @Override
        public String where() {
            return file.toString();
        }

        @Override
        public byte[] utf8() throws IOException {
            return Files.readAllBytes(file);
        }
    }

    private record WrittenSource(String where, byte[] utf8) implements Source {}

    private Tokenizer(Source source, long handle, TokenizerFile read) {
        this.source = source;
        this.handle = handle;
        this.pieces = read.pieces();
        this.added = read.added();
        this.bytes = TokenBytes.of(read.decoder());
        for (AddedToken token : added) if (token.special()) special.set(token.id());
    }

    /**
     * @param folder a model folder with a tokenizer.json, or else a tokenizer.model; or a tokenizer.json itself
     * @throws TokenizerException if it is missing or broken, or the native library can't be loaded
     */
    public static Tokenizer load(Path folder) {
        if (!Files.isDirectory(folder)) return load(new FileSource(folder));
        Path json = folder.resolve("tokenizer.json");
        if (!Files.exists(json) && SentencePieceFile.isIn(folder)) return of(SentencePieceFile.read(folder));
        return load(new FileSource(json));
    }

    /** @throws TokenizerException if the library refuses what the vocabulary amounts to, or can't be loaded */
    public static Tokenizer of(Vocabulary vocabulary) {
        return load(new WrittenSource(vocabulary.where(), VocabularyJson.write(vocabulary)));
    }

    /** @param where names its source in messages @param json a tokenizer.json, UTF-8 @throws TokenizerException if it is broken */
    public static Tokenizer of(String where, byte[] json) {
        return load(new WrittenSource(where, json));
    }

    /**
     * @param folder as {@link #load} takes it
     * @return what it would read as a tokenizer.json, UTF-8
     * @throws TokenizerException if there is none
     */
    public static byte[] json(Path folder) {
        Path json = folder.resolve("tokenizer.json");
        if (!Files.exists(json) && SentencePieceFile.isIn(folder)) return VocabularyJson.write(SentencePieceFile.read(folder));
        try {
            return Files.readAllBytes(json);
        } catch (IOException e) {
            throw new TokenizerException(json + " can't be read: " + TokenizerFile.explain(e), e);
        }
    }

    private static Tokenizer load(Source source) {
        TokenizerFile read = read(source);
        long handle = create(source, read.text());
        for (AddedToken token : read.added()) checkNumber(source, handle, token);
        return new Tokenizer(source, handle, read);
    }

    /** The library numbers added tokens by their order, whatever number the file gives them: then ids would not be the model's. */
    private static void checkNumber(Source source, long handle, AddedToken token) {
        int[] ids = encode(handle, token.content(), false);
        if (ids.length == 1 && ids[0] != token.id()) {
            throw new TokenizerException(source.where() + " gives its added token \"" + token.content() + "\" the id " + token.id()
                    + ", but in its place it can only have " + ids[0]);
        }
    }

    private static TokenizerFile read(Source source) {
        try {
            return TokenizerFile.parse(StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(source.utf8())).toString());
        } catch (NoSuchFileException e) {
            throw new TokenizerException("There is no " + source.where(), e);
        } catch (CharacterCodingException e) {
            throw new TokenizerException(source.where() + " is not UTF-8", e);
        } catch (IOException | IllegalArgumentException e) {
            String why = e instanceof IOException io ? TokenizerFile.explain(io) : e.getMessage();
            throw new TokenizerException(source.where() + " is no tokenizer: " + why, e);
        }
    }

    private static long create(Source source, String json) {
        TokenizersLibrary library = NativeTokenizers.library();
        try {
            long handle = library.createTokenizerFromString(json);
            library.disableTruncation(handle);
            library.disablePadding(handle);
            return handle;
        } catch (RuntimeException e) {
            throw new TokenizerException(source.where() + " is no tokenizer: " + e.getMessage(), e);
        }
    }

    /**
     * Encodes trusted text: special tokens that it spells become their ids.
     *
     * @param text       UTF-16; lone surrogates count as U+FFFD
     * @param addSpecial with the tokens that the file puts around a text (a begin token, mostly); a rendered chat has its own
     */
    public int[] encode(String text, boolean addSpecial) {
        return encode(handle, text, addSpecial);
    }

    /** Encodes untrusted text: what looks like a special token in it stays text. Nothing is put around it. */
    public int[] encodePlain(String text) {
        return marked().encode(PlainTokenizerJson.withoutMarks(text));
    }

    /**
     * Encodes text of which some characters are trusted: only what they spell alone becomes a special token. Where no untrusted text spells
     * one, the ids are those of {@link #encode} without {@code addSpecial}.
     */
    public int[] encode(TrustedText text) {
        return marked().encode(marked().mark(text));
    }

    private synchronized MarkedTokenizer marked() {
        if (marked.isEmpty()) {
            try {
                TokenizerFile read = read(source);
                marked = Optional.of(new MarkedTokenizer(create(source, PlainTokenizerJson.write(read)), read.added()));
            } catch (IOException e) {
                throw new TokenizerException(source.where() + " is no tokenizer: " + TokenizerFile.explain(e), e);
            }
        }
        return marked.get();
    }

    static int[] encode(long handle, String text, boolean addSpecial) {
        TokenizersLibrary library = NativeTokenizers.library();
        long encoding = library.encode(handle, wellFormed(text), addSpecial);
        try {
            return toInts(library.getTokenIds(encoding));
        } finally {
            library.deleteEncoding(encoding);
        }
    }

    /** The library's UTF-8 has no place for half a surrogate pair. */
    private static String wellFormed(String text) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (!Character.isSurrogate(c)) continue;
            if (Character.isHighSurrogate(c) && i + 1 < text.length() && Character.isLowSurrogate(text.charAt(i + 1))) {
                i++;
                continue;
            }
            return new String(text.getBytes(StandardCharsets.UTF_16BE), StandardCharsets.UTF_16BE);
        }
        return text;
    }

    private static int[] toInts(long[] ids) {
        int[] out = new int[ids.length];
        for (int i = 0; i < ids.length; i++) out[i] = (int) ids[i];
        return out;
    }

    /**
     * @param ids         token ids, not negative; those that the vocabulary lacks have no text
     * @param skipSpecial leave special tokens out
     * @return the text; bytes that are no UTF-8 become U+FFFD
     */
    public String decode(int[] ids, boolean skipSpecial) {
        if (bytes.isEmpty()) return decodeNatively(ids, skipSpecial);
        StreamDecoder decoder = stream(skipSpecial, false);
        StringBuilder text = new StringBuilder();
        for (int id : ids) decoder.push(id).ifPresent(delta -> text.append(delta.text()));
        decoder.finish().ifPresent(delta -> text.append(delta.text()));
        return text.toString();
    }

    /** What the library itself makes of the ids. */
    String decodeNatively(int[] ids, boolean skipSpecial) {
        long[] known = new long[ids.length];
        int count = 0;
        for (int id : ids) if (has(id)) known[count++] = id;
        return NativeTokenizers.library().decode(handle, java.util.Arrays.copyOf(known, count), skipSpecial);
    }

    /**
     * @param skipSpecial leave special tokens out of the text
     * @param continuing  the tokens continue a text, so that a space at their start is a space; else they are one of their own, and the
     *     space that some tokenizers put before each text is taken away
     * @return a decoder for one sequence
     */
    public StreamDecoder stream(boolean skipSpecial, boolean continuing) {
        return bytes.<StreamDecoder>map(rule -> new ByteStreamDecoder(this, rule, skipSpecial, continuing))
                .orElseGet(() -> new WindowStreamDecoder(this, skipSpecial));
    }

    /** One more than the greatest id, added tokens included. A model's output may be wider than that. */
    public int vocabSize() {
        return pieces.length;
    }

    /** Whether the vocabulary has this id. */
    public boolean has(int id) {
        if (id < 0) throw new IllegalArgumentException("token id " + id + " is negative");
        return id < pieces.length && pieces[id] != null;
    }

    /** The vocabulary's own spelling of a token ({@code Ġthe}, {@code ▁the}, {@code <0xE4>}); empty for an id that it lacks. */
    public String piece(int id) {
        return has(id) ? pieces[id] : "";
    }

    /**
     * The bytes that a token adds to a text, maybe part of a character only; empty for an id that the vocabulary lacks. Where a token has no
     * bytes of its own, because spacing depends on its neighbours (WordPiece), those of its piece.
     */
    public byte[] bytes(int id) {
        String piece = piece(id);
        return bytes.map(rule -> rule.bytes(piece)).orElseGet(() -> piece.getBytes(StandardCharsets.UTF_8));
    }

    /** Whether a token steers the model and is no text for people. */
    public boolean isSpecial(int id) {
        return special.get(id);
    }

    /** The special tokens' ids, ascending. */
    public int[] specialIds() {
        return special.stream().toArray();
    }

    /** @return the id of the added token that is spelt like this, or of the piece that is */
    public java.util.OptionalInt id(String piece) {
        for (AddedToken token : added) if (token.content().equals(piece)) return java.util.OptionalInt.of(token.id());
        for (int id = 0; id < pieces.length; id++) if (piece.equals(pieces[id])) return java.util.OptionalInt.of(id);
        return java.util.OptionalInt.empty();
    }
}
