package dev.skald.weights;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.skald.tensor.DType;
import dev.skald.tensor.Shape;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * A {@link PackedManifest} as JSON. Reading believes nothing: ranges lie inside the file and begin aligned, sections cover their rows. What isn't
 * as expected is a {@link CheckpointException} that names the file.
 */
final class PackedJson {
    private static final int MAX_SHOWN = 80;
    private static final ObjectMapper MAPPER = new ObjectMapper(JsonFactory.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
            .streamReadConstraints(StreamReadConstraints.builder().maxNestingDepth(16).maxNameLength(1024).maxStringLength(4096).maxNumberLength(32).build())
            .build());

    private final String file;
    private final long end;

    private PackedJson(String file, long end) {
        this.file = file;
        this.end = end;
    }

    /** @param end where weights and documents end */
    static PackedManifest read(String file, byte[] utf8, long end) {
        PackedJson reader = new PackedJson(file, end);
        try {
            String text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(utf8)).toString();
            return reader.manifest(MAPPER.reader().with(DeserializationFeature.FAIL_ON_TRAILING_TOKENS).readTree(text));
        } catch (JsonProcessingException e) {
            throw reader.wrong("is not JSON", Printable.of(e.getOriginalMessage().lines().findFirst().orElse("")));
        } catch (IOException e) {
            throw reader.wrong("is not UTF-8", String.valueOf(e.getMessage()));
        }
    }

    private PackedManifest manifest(JsonNode json) {
        Map<String, PackedManifest.Range> documents = new TreeMap<>();
        for (Map.Entry<String, JsonNode> e : object(json, "documents").properties()) documents.put(e.getKey(), range(e.getKey(), e.getValue()));
        TreeMap<String, PackedManifest.TensorFacts> tensors = new TreeMap<>();
        for (Map.Entry<String, JsonNode> e : object(json, "tensors").properties()) tensors.put(e.getKey(), tensor(e.getKey(), e.getValue()));
        Map<String, PackedManifest.Weight> weights = new TreeMap<>();
        for (Map.Entry<String, JsonNode> e : object(json, "weights").properties()) weights.put(e.getKey(), weight(e.getKey(), e.getValue()));
        Optional<DType> type = json.has("type") ? Optional.of(type("type", json.get("type"))) : Optional.empty();
        return new PackedManifest(text(json, "layout"), text(json, "source"), type, text(json, "model_hash"), tensors, documents, weights);
    }

    private PackedManifest.TensorFacts tensor(String name, JsonNode json) {
        List<Long> dims = new ArrayList<>();
        for (JsonNode dim : array(name, json.path("shape"))) dims.add(number(name, dim, Long.MAX_VALUE));
        try {
            PackedManifest.TensorFacts facts = new PackedManifest.TensorFacts(type(name, json.path("dtype")), new Shape(dims));
            facts.dtype().bytes(facts.shape().elements());
            return facts;
        } catch (IllegalArgumentException | ArithmeticException e) {
            throw wrong("has an impossible tensor " + shown(name), e.getMessage());
        }
    }

    private PackedManifest.Weight weight(String name, JsonNode json) {
        int rows = (int) number(name, json.path("rows"), Integer.MAX_VALUE);
        int cols = (int) number(name, json.path("cols"), Integer.MAX_VALUE);
        List<PackedManifest.Section> sections = new ArrayList<>();
        long row = 0;
        for (JsonNode section : array(name, json.path("sections"))) {
            int count = (int) number(name, section.path("rows"), Integer.MAX_VALUE);
            if (row + count > rows || count == 0) throw wrong("has sections in " + shown(name) + " that don't cover its rows", row + " + " + count + " of " + rows);
            sections.add(new PackedManifest.Section(type(name, section.path("layout")), (int) row, count, range(name, section.path("range"))));
            row += count;
        }
        if (row != rows || rows == 0 || cols == 0) throw wrong("has sections in " + shown(name) + " that don't cover its rows", row + " of " + rows);
        return new PackedManifest.Weight(type(name, json.path("dtype")), rows, cols, sections);
    }

    private PackedManifest.Range range(String name, JsonNode json) {
        if (!json.isArray() || json.size() != 2) throw wrong("has no range for " + shown(name), shown(json.toString()));
        long begin = number(name, json.get(0), Long.MAX_VALUE);
        long bytes = number(name, json.get(1), Long.MAX_VALUE);
        if (begin < PackedHeader.BYTES || begin % PackedHeader.ALIGNMENT != 0 || bytes > end || begin > end - bytes) {
            throw wrong("has a range for " + shown(name) + " that is outside the file or not aligned", begin + " + " + bytes + " of " + end);
        }
        return new PackedManifest.Range(begin, bytes);
    }

    private DType type(String name, JsonNode json) {
        return Arrays.stream(DType.values()).filter(type -> type != DType.I32 && type.name().equals(json.textValue())).findFirst()
                .orElseThrow(() -> wrong("has an unknown type in " + shown(name), shown(json.toString())));
    }

    private long number(String name, JsonNode json, long max) {
        if (!json.canConvertToLong() || !json.isIntegralNumber() || json.longValue() < 0 || json.longValue() > max) {
            throw wrong("has no number where one belongs in " + shown(name), shown(json.toString()));
        }
        return json.longValue();
    }

    private String text(JsonNode json, String field) {
        if (!json.path(field).isTextual()) throw wrong("has no text in " + field, shown(json.path(field).toString()));
        return json.get(field).textValue();
    }

    private ObjectNode object(JsonNode json, String field) {
        if (json.path(field) instanceof ObjectNode object) return object;
        throw wrong("has no object " + field, shown(json.path(field).toString()));
    }

    private ArrayNode array(String name, JsonNode json) {
        if (json instanceof ArrayNode array) return array;
        throw wrong("has no list in " + shown(name), shown(json.toString()));
    }

    private static String shown(String text) {
        return Printable.of(text.length() > MAX_SHOWN ? text.substring(0, MAX_SHOWN) + "…" : text);
    }

    private CheckpointException wrong(String what, String detail) {
        return new CheckpointException(file + " has a manifest that " + what + ": " + detail);
    }

    static byte[] write(PackedManifest manifest) {
        ObjectNode json = MAPPER.createObjectNode();
        json.put("layout", manifest.layout()).put("source", manifest.source()).put("model_hash", manifest.modelHash());
        manifest.type().ifPresent(type -> json.put("type", type.name()));
        ObjectNode documents = json.putObject("documents");
        manifest.documents().forEach((name, range) -> put(documents.putArray(name), range));
        ObjectNode tensors = json.putObject("tensors");
        manifest.tensors().forEach((name, facts) -> {
            ArrayNode shape = tensors.putObject(name).put("dtype", facts.dtype().name()).putArray("shape");
            facts.shape().dims().forEach(shape::add);
        });
        ObjectNode weights = json.putObject("weights");
        new TreeMap<>(manifest.weights()).forEach((name, weight) -> {
            ObjectNode to = weights.putObject(name).put("dtype", weight.dtype().name()).put("rows", weight.rows()).put("cols", weight.cols());
            ArrayNode sections = to.putArray("sections");
            for (PackedManifest.Section section : weight.sections()) {
                put(sections.addObject().put("layout", section.layout().name()).put("rows", section.rows()).putArray("range"), section.range());
            }
        });
        return json.toString().getBytes(StandardCharsets.UTF_8);
    }

    private static void put(ArrayNode to, PackedManifest.Range range) {
        to.add(range.begin()).add(range.bytes());
    }
}
