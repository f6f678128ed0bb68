package dev.skald.weights;

import dev.skald.tensor.Tensor;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * Writes the pickle of a PyTorch state dict: an OrderedDict of tensors, each of a storage of its own. The part of protocol 2 that this takes;
 * nothing is memoised, since nothing comes twice but names.
 */
final class PickleWriter {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    private PickleWriter() {}

    /** @param tensors tensor i has storage i */
    static byte[] stateDict(List<Tensor> tensors) {
        PickleWriter pickle = new PickleWriter();
        pickle.op(0x80).op(2); // PROTO
        pickle.global("collections", "OrderedDict").op(')').op('R'); // EMPTY_TUPLE, REDUCE
        pickle.op('('); // MARK
        for (int i = 0; i < tensors.size(); i++) pickle.string(tensors.get(i).name()).tensor(i, tensors.get(i));
        pickle.op('u').op('.'); // SETITEMS, STOP
        return pickle.out.toByteArray();
    }

    private void tensor(int storage, Tensor tensor) {
        long elements = tensor.shape().elements();
        global("torch._utils", "_rebuild_tensor_v2").op('(');
        op('(').string("storage").global("torch", TorchType.of(tensor.dtype()).storage()).string(String.valueOf(storage)).string("cpu").number(elements);
        op('t').op('Q'); // TUPLE, BINPERSID
        number(0); // offset
        op('(');
        for (long dim : tensor.shape().dims()) number(dim);
        op('t').op('(');
        long stride = elements;
        for (long dim : tensor.shape().dims()) {
            stride /= Math.max(dim, 1);
            number(stride);
        }
        op('t').op(0x89); // requires_grad: NEWFALSE
        global("collections", "OrderedDict").op(')').op('R'); // backward hooks
        op('t').op('R');
    }

    private PickleWriter global(String module, String name) {
        op('c');
        out.writeBytes((module + "\n" + name + "\n").getBytes(StandardCharsets.US_ASCII));
        return this;
    }

    private PickleWriter string(String value) {
        byte[] utf8 = value.getBytes(StandardCharsets.UTF_8);
        op('X');
        int32(utf8.length);
        out.writeBytes(utf8);
        return this;
    }

    private void number(long value) {
        op('J');
        int32(Math.toIntExact(value));
    }

    private void int32(int value) {
        out.writeBytes(ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(value).array());
    }

    private PickleWriter op(int code) {
        out.write(code);
        return this;
    }
}
