package dev.skald.grpc;

import com.google.protobuf.Descriptors.EnumValueDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Finds what a request holds and this release doesn't know, at any depth. Pure. */
final class UnknownFields {
    private UnknownFields() {}

    /** The path of the first unknown field ({@code sampling.#17}) or enum value, e.g. {@code tool_choice.mode}; empty: everything is known. */
    static Optional<String> firstIn(Message message) {
        Map<Integer, ?> unknown = message.getUnknownFields().asMap();
        if (!unknown.isEmpty()) return Optional.of("#" + unknown.keySet().iterator().next());
        for (Map.Entry<FieldDescriptor, Object> entry : message.getAllFields().entrySet()) {
            FieldDescriptor field = entry.getKey();
            Optional<String> inner = switch (field.getJavaType()) {
                case MESSAGE, ENUM -> field.isRepeated() ? inList(field, (List<?>) entry.getValue()) : inValue(field.getName(), entry.getValue());
                default -> Optional.empty();
            };
            if (inner.isPresent()) return inner;
        }
        return Optional.empty();
    }

    private static Optional<String> inList(FieldDescriptor field, List<?> values) {
        for (int i = 0; i < values.size(); i++) {
            Optional<String> inner = inValue(field.getName() + "[" + i + "]", values.get(i));
            if (inner.isPresent()) return inner;
        }
        return Optional.empty();
    }

    private static Optional<String> inValue(String path, Object value) {
        return switch (value) {
            case Message message -> firstIn(message).map(inner -> path + "." + inner);
            case EnumValueDescriptor constant when constant.getIndex() < 0 -> Optional.of(path);
            default -> Optional.empty();
        };
    }
}
