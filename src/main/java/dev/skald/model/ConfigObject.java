package dev.skald.model;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;

/**
 * A JSON object of a model folder, read with a bound on every field. JSON null counts as absent. Every getter throws {@link ModelException}
 * naming file, field, value and what was expected.
 */
public final class ConfigObject {
    private static final long MAX_BYTES = 16 << 20;
    private static final int MAX_LIST = 4096;
    private static final ObjectMapper MAPPER = new ObjectMapper(JsonFactory.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxNestingDepth(64)
                    .maxNumberLength(64)
                    .maxDocumentLength(MAX_BYTES)
                    .build())
            .build());

    private final String where;
    private final JsonNode node;

    private ConfigObject(String where, JsonNode node) {
        this.where = where;
        this.node = node;
    }

    /** @throws ModelException if it can't be read or is not one JSON object */
    public static ConfigObject read(Path path) {
        try {
            if (!Files.isRegularFile(path)) throw new ModelException(path + " is missing or not a regular file");
            if (Files.size(path) > MAX_BYTES) throw new ModelException(path + " is larger than " + MAX_BYTES + " bytes");
            return parse(path.toString(), Files.readString(path));
        } catch (IOException e) {
            throw new ModelException(path + " can't be read: " + e.getMessage(), e);
        }
    }

    /** @param where names the source in messages */
    public static ConfigObject parse(String where, String json) {
        try {
            JsonNode node = MAPPER.reader().with(com.fasterxml.jackson.databind.DeserializationFeature.FAIL_ON_TRAILING_TOKENS).readTree(json);
            if (!node.isObject()) throw new ModelException(where + " is not a JSON object");
            return new ConfigObject(where, node);
        } catch (JsonProcessingException e) {
            throw new ModelException(where + " is not valid JSON: " + e.getOriginalMessage().lines().findFirst().orElse(""), e);
        }
    }

    /** One that was put together from another source. @param where names that source in messages */
    static ConfigObject of(String where, ObjectNode node) {
        return new ConfigObject(where, node);
    }

    /** Whether the field is there and isn't null. */
    public boolean has(String field) {
        return !absent(field);
    }

    /** Whether the field is there, be it null. */
    public boolean holds(String field) {
        return node.has(field);
    }

    /** A whole number in [min, max]; empty if absent. */
    public OptionalInt integer(String field, int min, int max) {
        if (absent(field)) return OptionalInt.empty();
        JsonNode value = node.get(field);
        // some tools write 4096.0
        boolean whole = value.isNumber() && value.doubleValue() == Math.rint(value.doubleValue());
        if (!whole || value.doubleValue() < min || value.doubleValue() > max) throw wrong(field, "a whole number in [" + min + ", " + max + "]");
        return OptionalInt.of((int) value.doubleValue());
    }

    /** A whole number in [min, max] that must be there. */
    public int requiredInteger(String field, int min, int max) {
        return integer(field, min, max).orElseThrow(() -> new ModelException(where + " has no " + field));
    }

    /** A finite number in [min, max]; empty if absent. */
    public OptionalDouble number(String field, double min, double max) {
        if (absent(field)) return OptionalDouble.empty();
        double value = node.get(field).doubleValue();
        if (!node.get(field).isNumber() || !(value >= min && value <= max)) throw wrong(field, "a number in [" + min + ", " + max + "]");
        return OptionalDouble.of(value);
    }

    /** A number in [min, max] that must be there. */
    public double requiredNumber(String field, double min, double max) {
        return number(field, min, max).orElseThrow(() -> new ModelException(where + " has no " + field));
    }

    /** True or false; {@code otherwise} if absent. */
    public boolean flag(String field, boolean otherwise) {
        if (absent(field)) return otherwise;
        if (!node.get(field).isBoolean()) throw wrong(field, "true or false");
        return node.get(field).booleanValue();
    }

    public Optional<String> string(String field) {
        if (absent(field)) return Optional.empty();
        if (!node.get(field).isTextual()) throw wrong(field, "a string");
        return Optional.of(node.get(field).textValue());
    }

    /** A list of strings; empty if absent. */
    public List<String> strings(String field) {
        if (absent(field)) return List.of();
        List<String> values = new ArrayList<>();
        for (JsonNode element : list(field)) {
            if (!element.isTextual()) throw wrong(field, "a list of strings");
            values.add(element.textValue());
        }
        return List.copyOf(values);
    }

    /** A list of numbers in [min, max]; empty if absent. */
    public List<Double> numbers(String field, double min, double max) {
        if (absent(field)) return List.of();
        List<Double> values = new ArrayList<>();
        for (JsonNode element : list(field)) {
            if (!element.isNumber() || !(element.doubleValue() >= min && element.doubleValue() <= max)) {
                throw wrong(field, "numbers in [" + min + ", " + max + "]");
            }
            values.add(element.doubleValue());
        }
        return List.copyOf(values);
    }

    /** One whole number in [min, max] or a list of them; empty if absent. */
    public List<Integer> integers(String field, int min, int max) {
        if (absent(field)) return List.of();
        if (node.get(field).isNumber()) return List.of(requiredInteger(field, min, max));
        List<Integer> values = new ArrayList<>();
        for (JsonNode element : list(field)) {
            if (!element.isIntegralNumber() || element.doubleValue() < min || element.doubleValue() > max) {
                throw wrong(field, "whole numbers in [" + min + ", " + max + "]");
            }
            values.add(element.intValue());
        }
        return List.copyOf(values);
    }

    /** An object inside this one; empty if absent. */
    public Optional<ConfigObject> object(String field) {
        if (absent(field)) return Optional.empty();
        if (!node.get(field).isObject()) throw wrong(field, "an object");
        return Optional.of(new ConfigObject(where + " " + field, node.get(field)));
    }

    /** The object as JSON. */
    public String json() {
        return node.toString();
    }

    /** What to call this object in a message. */
    public String where() {
        return where;
    }

    private JsonNode list(String field) {
        JsonNode list = node.get(field);
        if (!list.isArray() || list.size() > MAX_LIST) throw wrong(field, "a list of at most " + MAX_LIST);
        return list;
    }

    private boolean absent(String field) {
        return !node.hasNonNull(field);
    }

    private ModelException wrong(String field, String expected) {
        String value = node.get(field).toString();
        return new ModelException(where + " has " + field + " = " + (value.length() > 80 ? value.substring(0, 80) + "…" : value) + ", expected " + expected);
    }
}
