package dev.skald.openai;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.skald.service.InferenceException;
import java.io.IOException;
import java.io.UncheckedIOException;

/** JSON from strangers: bounded in depth and numbers, no key twice, nothing behind the value. Thread-safe. */
public final class Json {
    public static final int MAX_DEPTH = 64;
    public static final int MAX_NUMBER_CHARS = 100;
    /** Whoever reads a body bounds its bytes first. */
    private static final int MAX_STRING_CHARS = 1 << 30;

    /** Makes parsers and generators under the same limits. */
    public static final JsonFactory FACTORY = JsonFactory.builder()
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxNestingDepth(MAX_DEPTH).maxNumberLength(MAX_NUMBER_CHARS).maxStringLength(MAX_STRING_CHARS).build())
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .build();

    static final ObjectMapper MAPPER = new ObjectMapper(FACTORY).enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

    private Json() {}

    /** @param utf8 one JSON object @throws InferenceException MALFORMED_JSON saying what is wrong and where */
    public static ObjectNode object(byte[] utf8) {
        JsonNode node;
        try {
            node = MAPPER.readTree(utf8);
        } catch (JsonProcessingException e) {
            throw InferenceException.invalid("MALFORMED_JSON", "", "no JSON: " + said(e));
        } catch (IOException e) {
            // Jackson's own word for bytes that are no UTF-8; there is no other I/O here.
            throw InferenceException.invalid("MALFORMED_JSON", "", "no JSON: " + firstLine(e.getMessage()));
        }
        if (node instanceof ObjectNode object) return object;
        throw InferenceException.invalid("MALFORMED_JSON", "", "not a JSON object");
    }

    private static String said(JsonProcessingException e) {
        String where = e.getLocation() == null ? "" : " at column " + e.getLocation().getColumnNr();
        return firstLine(e.getOriginalMessage()) + where;
    }

    private static String firstLine(String message) {
        String line = message == null ? "" : message.lines().findFirst().orElse("");
        return line.length() <= 300 ? line : line.substring(0, 299) + "…";
    }

    /** @return UTF-8, without a line break */
    public static byte[] bytes(JsonNode node) {
        try {
            return MAPPER.writeValueAsBytes(node);
        } catch (JsonProcessingException e) {
            throw new UncheckedIOException(e);
        }
    }

    public static ObjectNode newObject() {
        return MAPPER.createObjectNode();
    }
}
