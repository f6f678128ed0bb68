package dev.skald.batch;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import dev.skald.openai.Json;
import java.io.IOException;
import java.util.Optional;
import java.util.Set;

/** Which custom_id a line or a record has, without making anything else of it. */
final class CustomIds {
    static final int MAX_CHARS = 512;
    static final Set<String> ENVELOPE = Set.of("method", "url", "body");

    private CustomIds() {}

    /** Of an input line; a plain line without one is called after its number. @return empty for a line that can't be run */
    static Optional<String> of(int number, byte[] line) {
        String id = "";
        boolean envelope = false;
        try (JsonParser json = Json.FACTORY.createParser(line)) {
            if (json.nextToken() != JsonToken.START_OBJECT) return Optional.empty();
            while (json.nextToken() == JsonToken.FIELD_NAME) {
                String key = json.currentName();
                JsonToken value = json.nextToken();
                if (key.equals("custom_id") && value != JsonToken.VALUE_NULL) {
                    if (value != JsonToken.VALUE_STRING || !isValid(json.getText())) return Optional.empty();
                    id = json.getText();
                }
                envelope |= ENVELOPE.contains(key);
                json.skipChildren();
            }
            if (json.currentToken() != JsonToken.END_OBJECT || json.nextToken() != null) return Optional.empty();
        } catch (IOException e) {
            return Optional.empty();
        }
        if (!id.isEmpty()) return Optional.of(id);
        return envelope ? Optional.empty() : Optional.of(unnamed(number));
    }

    /** Half a surrogate pair can be escaped in JSON, but not written as UTF-8. */
    static boolean isValid(String id) {
        return !id.isEmpty() && id.length() <= MAX_CHARS && id.codePoints().noneMatch(c -> c >= 0xd800 && c < 0xe000);
    }

    static String unnamed(int number) {
        return "line-" + number;
    }

    /** What a record of ours says of itself. @param line 0 where it doesn't tell */
    record Told(Optional<String> customId, int line) {}

    /** @return empty for what is no whole record */
    static Optional<Told> ofRecord(byte[] record) {
        Optional<String> id = Optional.empty();
        int line = 0;
        try (JsonParser json = Json.FACTORY.createParser(record)) {
            if (json.nextToken() != JsonToken.START_OBJECT) return Optional.empty();
            while (json.nextToken() == JsonToken.FIELD_NAME) {
                String key = json.currentName();
                JsonToken value = json.nextToken();
                if (key.equals("custom_id") && value == JsonToken.VALUE_STRING) id = Optional.of(json.getText());
                if (key.equals("line") && value == JsonToken.VALUE_NUMBER_INT) line = json.getIntValue();
                json.skipChildren();
            }
            if (json.currentToken() != JsonToken.END_OBJECT || json.nextToken() != null) return Optional.empty();
        } catch (IOException e) {
            return Optional.empty();
        }
        return id.isEmpty() && line == 0 ? Optional.empty() : Optional.of(new Told(id, line));
    }
}
