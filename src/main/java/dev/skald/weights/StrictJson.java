package dev.skald.weights;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;

/**
 * Reads the JSON of an untrusted file token by token: UTF-8 only, no duplicate keys, shallow, nothing after the end. What isn't as expected is
 * an {@link IOException} whose message finishes the sentence "file X: …".
 */
final class StrictJson implements AutoCloseable {
    private static final JsonFactory FACTORY = JsonFactory.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxNestingDepth(16)
                    .maxNameLength(1024)
                    .maxStringLength(1 << 20)
                    .maxNumberLength(32)
                    .build())
            .build();

    private final JsonParser parser;

    StrictJson(byte[] utf8) throws IOException {
        // a decoder that reports malformed bytes; from raw bytes Jackson would also guess UTF-16 and UTF-32
        parser = FACTORY.createParser(
                new InputStreamReader(new ByteArrayInputStream(utf8), StandardCharsets.UTF_8.newDecoder()));
    }

    void beginObject() throws IOException {
        expect(parser.nextToken(), JsonToken.START_OBJECT);
    }

    /** Moves to the next key of the object. @return false at the object's end */
    boolean nextKey() throws IOException {
        JsonToken token = parser.nextToken();
        if (token == JsonToken.END_OBJECT) return false;
        expect(token, JsonToken.FIELD_NAME);
        return true;
    }

    String key() throws IOException {
        return parser.currentName();
    }

    String string() throws IOException {
        expect(parser.nextToken(), JsonToken.VALUE_STRING);
        return parser.getText();
    }

    /** An array of at most {@code max} integers that are not negative. */
    long[] naturals(int max) throws IOException {
        expect(parser.nextToken(), JsonToken.START_ARRAY);
        long[] values = new long[max];
        int n = 0;
        while (parser.nextToken() != JsonToken.END_ARRAY) {
            expect(parser.currentToken(), JsonToken.VALUE_NUMBER_INT);
            if (n == max) throw new IOException("its JSON holds a list of more than " + max + " numbers");
            values[n] = parser.getLongValue();
            if (values[n++] < 0) throw new IOException("its JSON holds a negative number");
        }
        return java.util.Arrays.copyOf(values, n);
    }

    void skipValue() throws IOException {
        parser.nextToken();
        parser.skipChildren();
    }

    /** Call behind the outermost object. */
    void end() throws IOException {
        if (parser.nextToken() != null) throw new IOException("its JSON goes on behind its end");
    }

    /** One line for people; Jackson's own message adds a source excerpt. */
    static String describe(IOException e) {
        String text = e instanceof JsonProcessingException json ? json.getOriginalMessage() : e.getMessage();
        String place = e instanceof JsonProcessingException json && json.getLocation() != null
                ? " (at character " + json.getLocation().getCharOffset() + ")" : "";
        return (text == null ? e.getClass().getSimpleName() : text.lines().findFirst().orElse("")) + place;
    }

    private void expect(JsonToken actual, JsonToken wanted) throws IOException {
        if (actual != wanted) {
            throw new IOException("its JSON has " + (actual == null ? "an end" : actual) + " where " + wanted + " belongs (at character "
                    + parser.currentTokenLocation().getCharOffset() + ")");
        }
    }

    @Override
    public void close() throws IOException {
        parser.close();
    }
}
