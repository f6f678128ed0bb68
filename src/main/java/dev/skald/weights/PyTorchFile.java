package dev.skald.weights;

import dev.skald.tensor.DType;
import dev.skald.tensor.Shape;
import dev.skald.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * One file as {@code torch.save} writes it since PyTorch 1.6: a zip archive with a pickle, {@code data.pkl}, that names tensors, and an entry
 * for each storage. Storages stay where they are in the mapped file.
 *
 * @param file    for messages
 * @param tensors by name
 */
record PyTorchFile(String file, Map<String, View> tensors) {
    private static final String PICKLE = "/data.pkl";
    private static final byte PICKLE_PROTOCOL = (byte) 0x80;
    private static final int ZIP_FIRST = 'P';

    /** A tensor as a view of its storage. Strides and offset in elements. @param storage all of the storage's bytes */
    record View(TorchType type, Shape shape, long offset, long[] strides, MemorySegment storage) {}

    /** @throws CheckpointException if it is damaged, of another format, or holds what isn't needed for tensors */
    static PyTorchFile parse(String file, MemorySegment mapped) {
        if (!ZipDirectory.isZip(mapped)) throw new CheckpointException(notZip(file, mapped));
        ZipDirectory zip = ZipDirectory.read(file, mapped);
        String pickle = zip.entries().keySet().stream()
                .filter(name -> name.endsWith(PICKLE) && name.indexOf('/') == name.length() - PICKLE.length())
                .reduce((a, b) -> {
                    throw new CheckpointException(file + " is damaged: it has both " + a + " and " + b);
                })
                .orElseThrow(() -> new CheckpointException(file + " is a zip archive without a data.pkl, so not what PyTorch saves"));
        String root = pickle.substring(0, pickle.length() - PICKLE.length());
        byteOrder(file, zip, root, mapped);
        ZipDirectory.Entry entry = zip.entries().get(pickle);
        if (entry.bytes() > PickleReader.MAX_BYTES) {
            throw new CheckpointException(file + " is refused: its data.pkl has " + entry.bytes() + " bytes, more than " + PickleReader.MAX_BYTES);
        }
        PickleValue top = PickleReader.read(file, bytes(mapped, entry));
        if (!(top instanceof PickleValue.Dict dict)) throw new CheckpointException(file + " holds " + PickleValue.kind(top) + ", expected a dict of tensors");
        Map<String, View> tensors = new LinkedHashMap<>();
        dict.entries().forEach((name, value) -> tensors.put(name, view(file, name, value, zip, root, mapped)));
        return new PyTorchFile(file, tensors);
    }

    private static String notZip(String file, MemorySegment mapped) {
        boolean pickle = mapped.byteSize() > 2 && mapped.get(ValueLayout.JAVA_BYTE, 0) == PICKLE_PROTOCOL;
        if (pickle) return file + " is in the format of PyTorch before 1.6, which can't be read; load it with PyTorch and save it again, best as safetensors";
        boolean cut = mapped.byteSize() > 0 && mapped.get(ValueLayout.JAVA_BYTE, 0) == ZIP_FIRST;
        return file + " is not a PyTorch file: it doesn't begin like a zip archive" + (cut ? ", it is damaged" : "");
    }

    private static void byteOrder(String file, ZipDirectory zip, String root, MemorySegment mapped) {
        ZipDirectory.Entry entry = zip.entries().get(root + "/byteorder");
        if (entry == null) return;
        String order = entry.bytes() > 16 ? "?" : new String(bytes(mapped, entry), StandardCharsets.ISO_8859_1);
        if (!order.equals("little")) throw new CheckpointException(file + " has the byte order " + Printable.of(order) + "; only little can be read");
    }

    private static byte[] bytes(MemorySegment mapped, ZipDirectory.Entry entry) {
        return mapped.asSlice(entry.begin(), entry.bytes()).toArray(ValueLayout.JAVA_BYTE);
    }

    private static View view(String file, String name, PickleValue value, ZipDirectory zip, String root, MemorySegment mapped) {
        String tensor = "tensor " + Printable.of(name) + " of " + file;
        if (!(value instanceof PickleValue.View view)) {
            throw new CheckpointException(file + " holds " + PickleValue.kind(value) + " under " + Printable.of(name) + ", expected a tensor");
        }
        PickleValue.Storage storage = view.storage();
        ZipDirectory.Entry entry = zip.entries().get(root + "/data/" + storage.key());
        if (entry == null) throw new CheckpointException(tensor + " lies in storage " + Printable.of(storage.key()) + ", which is not there");
        if (entry.bytes() / storage.type().bytes() != storage.count() || entry.bytes() % storage.type().bytes() != 0) {
            throw new CheckpointException(
                    tensor + " lies in a storage of " + storage.count() + " × " + storage.type() + ", but its entry has " + entry.bytes() + " bytes");
        }
        if (view.sizes().length != view.strides().length) {
            throw new CheckpointException(tensor + " has " + view.sizes().length + " sizes and " + view.strides().length + " strides");
        }
        try {
            Shape shape = new Shape(Arrays.stream(view.sizes()).boxed().toList());
            checkInside(tensor, view, shape);
            return new View(storage.type(), shape, view.offset(), view.strides(), mapped.asSlice(entry.begin(), entry.bytes()));
        } catch (IllegalArgumentException | ArithmeticException e) {
            throw new CheckpointException(tensor + " has an impossible shape: " + e.getMessage(), e);
        }
    }

    /** The last element must be in the storage, and no more elements than it has: an expanded tensor would grow without bound. */
    private static void checkInside(String tensor, PickleValue.View view, Shape shape) {
        if (shape.elements() == 0) return;
        long last = view.offset();
        for (int d = 0; d < shape.rank(); d++) last = Math.addExact(last, Math.multiplyExact(shape.dim(d) - 1, view.strides()[d]));
        if (last >= view.storage().count() || shape.elements() > view.storage().count()) {
            throw new CheckpointException(tensor + " " + shape + " with offset " + view.offset() + " and strides " + Arrays.toString(view.strides())
                    + " reaches beyond its storage of " + view.storage().count() + " elements");
        }
    }

    /** The tensor in place if its rows follow each other, else a dense copy that lives as long as somebody holds it. */
    Tensor tensor(String name) {
        View view = tensors.get(name);
        DType dtype = view.type().dtype().orElseThrow(() -> new CheckpointException("tensor " + Printable.of(name) + " of " + file + " is " + view.type()
                + "; only FLOAT, HALF and BFLOAT16 can be computed with"));
        long bytes = dtype.bytes(view.shape().elements());
        Optional<MemorySegment> inPlace = bytes == 0 ? Optional.of(view.storage().asSlice(0, 0)) : contiguous(view)
                ? Optional.of(view.storage().asSlice(dtype.bytes(view.offset()), bytes)) : Optional.empty();
        return new Tensor(name, dtype, view.shape(), inPlace.orElseGet(() -> copy(view, dtype.bytes())));
    }

    private static boolean contiguous(View view) {
        long expected = 1;
        for (int d = view.shape().rank() - 1; d >= 0; d--) {
            if (view.shape().dim(d) > 1 && view.strides()[d] != expected) return false;
            expected *= view.shape().dim(d);
        }
        return true;
    }

    private static MemorySegment copy(View view, int elementBytes) {
        long elements = view.shape().elements();
        MemorySegment dense = Arena.ofAuto().allocate(elements * elementBytes, 64);
        int rank = view.shape().rank();
        long[] index = new long[rank];
        long from = view.offset();
        for (long to = 0; to < elements; to++) {
            MemorySegment.copy(view.storage(), from * elementBytes, dense, to * elementBytes, elementBytes);
            for (int d = rank - 1; d >= 0; d--) {
                from += view.strides()[d];
                if (++index[d] < view.shape().dim(d)) break;
                from -= index[d] * view.strides()[d];
                index[d] = 0;
            }
        }
        return dense.asReadOnly();
    }
}
