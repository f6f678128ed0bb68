package dev.skald.weights;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import dev.skald.tensor.Tensor;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;

/** Writes one safetensors file. */
public final class SafetensorsWriter {
    private static final int ALIGNMENT = 8;

    private SafetensorsWriter() {}

    /**
     * @param names  of the tensors, in order
     * @param tensor gives them, F32, F16 or BF16; called twice for each, so nothing need be kept
     * @param file   empty so far; the caller finishes it
     */
    public static void write(List<String> names, Function<String, Tensor> tensor, NewFile file) throws IOException {
        byte[] header = header(names, tensor);
        // The header is padded by spaces, so that numbers lie aligned.
        byte[] padded = Arrays.copyOf(header, Math.ceilDiv(header.length, ALIGNMENT) * ALIGNMENT);
        Arrays.fill(padded, header.length, padded.length, (byte) ' ');
        file.write(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(padded.length).array());
        file.write(padded);
        for (String name : names) file.write(tensor.apply(name).data());
    }

    private static byte[] header(List<String> names, Function<String, Tensor> tensor) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        long at = 0;
        try (JsonGenerator json = new JsonFactory().createGenerator(out)) {
            json.writeStartObject();
            json.writeObjectFieldStart("__metadata__");
            json.writeStringField("format", "pt");
            json.writeEndObject();
            for (String name : names) {
                Tensor t = tensor.apply(name);
                json.writeObjectFieldStart(name);
                json.writeStringField("dtype", SafetensorsType.valueOf(t.dtype().name()).name());
                json.writeFieldName("shape");
                long[] dims = t.shape().dims().stream().mapToLong(Long::longValue).toArray();
                json.writeArray(dims, 0, dims.length);
                json.writeFieldName("data_offsets");
                json.writeArray(new long[] {at, at + t.data().byteSize()}, 0, 2);
                json.writeEndObject();
                at += t.data().byteSize();
            }
            json.writeEndObject();
        }
        return out.toByteArray();
    }
}
