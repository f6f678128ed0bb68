package dev.skald.weights;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.skald.tensor.DType;
import dev.skald.tensor.Elements;
import dev.skald.tensor.Shape;
import dev.skald.tensor.Tensor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PyTorchCheckpointTest {
    private static final int CENTRAL = 0x02014b50;

    @TempDir
    Path folder;

    private Path file() {
        return folder.resolve(PyTorchCheckpoint.SINGLE);
    }

    private void write(byte[] bytes) {
        try {
            Files.write(file(), bytes);
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    @Test
    void tensorsAreReadInPlaceAndTransposedOnesMadeDense() {
        write(PyTorchBytes.sample().toBytes());
        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            assertEquals("PyTorch", checkpoint.format());
            assertEquals(Set.of("a", "b", "turned"), checkpoint.names());
            Tensor a = checkpoint.tensor("a");
            assertTrue(a.data().isMapped() && a.data().isReadOnly());
            assertEquals(6, Elements.get(DType.F32, a.data(), 5));
            Tensor turned = checkpoint.tensor("turned");
            assertEquals(Shape.of(3, 2), turned.shape());
            assertFalse(turned.data().isMapped());
            float[] values = new float[6];
            for (int i = 0; i < 6; i++) values[i] = Elements.get(DType.F32, turned.data(), i);
            assertEquals("[1.0, 4.0, 2.0, 5.0, 3.0, 6.0]", Arrays.toString(values));
            assertEquals(3, Elements.get(DType.BF16, checkpoint.tensor("b").data(), 2));
        }
    }

    @Test
    void safetensorsArePreferred() {
        write(new byte[10]);
        new SafetensorsFile().add("s", DType.F32, new float[] {1}, 1).write(folder.resolve("model.safetensors"));
        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            assertEquals(Set.of("s"), checkpoint.names());
        }
    }

    @Test
    void anIndexThatDoesntTellTheTruthIsRefused() throws IOException {
        Files.write(folder.resolve("x.bin"), PyTorchBytes.sample().toBytes());
        Path index = folder.resolve(PyTorchCheckpoint.INDEX);
        Files.writeString(index, "{\"weight_map\": {\"a\": \"x.bin\", \"missing\": \"x.bin\"}}");
        assertMessage(() -> Checkpoint.open(folder), index + " puts tensor missing into x.bin");
        Files.writeString(index, "{\"weight_map\": {\"a\": \"../x.bin\"}}");
        assertMessage(() -> Checkpoint.open(folder), "'../x.bin'", "not a .bin file of the same folder");
        Files.writeString(index, "{\"weight_map\": {\"a\": \"y.bin\"}}");
        assertMessage(() -> Checkpoint.open(folder), "y.bin is missing");
    }

    @ParameterizedTest
    @CsvSource({
        "os, system", "builtins, eval", "builtins, getattr", "torch.storage, _load_from_bytes", "torch, load", "collections, defaultdict",
        "torch._utils, _rebuild_sparse_tensor", "numpy.core.multiarray, _reconstruct", "torch, FloatTensor"
    })
    void anyOtherNameIsRefusedByNameAndNothingRuns(String module, String name) {
        refused(new PyTorchBytes.Pickle().global(module, name).text("touch owned").raw(0x85).op('R').op('.'), "names " + module + "." + name);
        // protocol 4 spells it otherwise
        refused(new PyTorchBytes.Pickle().text(module).text(name).raw(0x93).op(')').op('R').op('.'), "names " + module + "." + name);
    }

    @ParameterizedTest
    @ValueSource(chars = {'i', 'o', 0x81, 0x92, 'P', 'I', 'S', 0x82, 'd', ']', '0', '2', 0x97})
    void anyOtherOperationIsRefused(char opcode) {
        refused(new PyTorchBytes.Pickle().op('}').raw(opcode).op('.'), "has the operation 0x" + Integer.toHexString(opcode), "refused");
    }

    @Test
    void aPickleThatTakesWhatIsntThereIsRefused() {
        refused(new PyTorchBytes.Pickle().op('.'), "takes a value that isn't there");
        refused(new PyTorchBytes.Pickle().op('t').op('.'), "a mark that isn't there");
        refused(new PyTorchBytes.Pickle().op('}').op('(').op('s').op('.'), "takes a value that isn't there");
        refused(new PyTorchBytes.Pickle().raw('h', 3).op('.'), "value 3, which it never put aside");
        refused(new PyTorchBytes.Pickle().op('}'), "its pickle ends early");
        refused(new PyTorchBytes.Pickle().op('}').text("k").op('u').op('.'), "mark");
        refused(new PyTorchBytes.Pickle().op('}').op('(').text("k").op('u').op('.'), "a key without a value");
        refused(new PyTorchBytes.Pickle().raw('X', 255, 255, 255, 255), "a text that goes beyond its end");
        refused(new PyTorchBytes.Pickle().raw('X', 1, 0, 0, 0, 0xFF).op('.'), "not UTF-8");
        refused(new PyTorchBytes.Pickle().raw(0x8a, 200).op('.'), "a whole number of 200 bytes");
        refused(new PyTorchBytes.Pickle().raw(0x80, 9).op('}').op('.'), "protocol 9");
        refused(new PyTorchBytes.Pickle().text("only text").op('.'), "holds a str, expected a dict of tensors");
        refused(new PyTorchBytes.Pickle().op('}').text("k").integer(1).op('s').op('.'), "holds an int under k");
        refused(new PyTorchBytes.Pickle().global("x".repeat(300), "y"), "a name of more than 256 bytes");
    }

    @Test
    void aDictInItselfAndDeepNestingEndInASentence() {
        refused(new PyTorchBytes.Pickle().op('}').raw('q', 0).text("me").raw('h', 0).op('s').op('.'), "holds a dict under me");
        PyTorchBytes.Pickle deep = new PyTorchBytes.Pickle().op('}').text("deep").op(')');
        for (int i = 0; i < 200_000; i++) deep.raw(0x85);
        refused(deep.op('s').op('.'), "holds a tuple under deep");
        PyTorchBytes.Pickle doubled = new PyTorchBytes.Pickle().op('}').text("doubled").op(')').raw('q', 0);
        for (int i = 0; i < 100; i++) doubled.raw('h', 0, 0x86, 'q', 0);
        refused(doubled.op('s').op('.'), "holds a tuple under doubled");
    }

    @Test
    void shapesMustLieInTheirStorage() {
        String[] outside = {"reaches beyond its storage of 6 elements"};
        refused(view(6, 0, new long[] {2, 4}, new long[] {4, 1}), outside);
        refused(view(6, 1, new long[] {2, 3}, new long[] {3, 1}), outside);
        refused(view(6, 0, new long[] {1L << 40}, new long[] {0}), outside);
        refused(view(6, 0, new long[] {3, 3}, new long[] {1, 1}), outside);
        refused(view(6, Long.MAX_VALUE, new long[] {2}, new long[] {1}), "impossible shape");
        refused(view(6, 0, new long[] {1L << 40, 1L << 40}, new long[] {1, 1}), "impossible shape");
        refused(view(6, 0, new long[] {2, 3}, new long[] {3}), "2 sizes and 1 strides");
        refused(view(7, 0, new long[] {2, 3}, new long[] {3, 1}), "7 × FLOAT, but its entry has 24 bytes");
        refused(view(6, -1, new long[] {2, 3}, new long[] {3, 1}), "natural number");
        refused(view(6, 0, new long[9], new long[9]), "a short tuple");
    }

    private static PyTorchBytes.Pickle view(long count, long offset, long[] sizes, long[] strides) {
        return new PyTorchBytes.Pickle().op('}').tensor("t", "FloatStorage", "0", count, offset, sizes, strides).op('s').op('.');
    }

    @Test
    void storagesOfOtherTypesAreNamedWhenAskedFor() {
        PyTorchBytes.Pickle pickle = new PyTorchBytes.Pickle().op('}').tensor("t", "LongStorage", "0", 3, 0, new long[] {3}, new long[] {1}).op('s').op('.');
        write(new PyTorchBytes(pickle.toBytes()).entry("data/0", new byte[24]).toBytes());
        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            assertEquals(Shape.of(3), checkpoint.shape("t"));
            assertMessage(() -> checkpoint.tensor("t"), "tensor t of " + file() + " is LONG");
        }
        write(new PyTorchBytes(pickle.toBytes()).toBytes());
        assertMessage(() -> Checkpoint.open(folder), "storage 0, which is not there");
    }

    @Test
    void archivesThatCantBeUsedInPlaceAreRefused() {
        write(PyTorchBytes.sample().compressed().toBytes());
        assertMessage(() -> Checkpoint.open(folder), file().toString(), "archive/data.pkl is compressed");
        write(new byte[] {(byte) 0x80, 2, (byte) 0x8a, 10, 'l', (byte) 0xfc});
        assertMessage(() -> Checkpoint.open(folder), file() + " is in the format of PyTorch before 1.6", "save it again");
        write("hello".getBytes(java.nio.charset.StandardCharsets.UTF_8));
        assertMessage(() -> Checkpoint.open(folder), file() + " is not a PyTorch file");
        write(PyTorchBytes.sample().entry("byteorder", "big".getBytes(java.nio.charset.StandardCharsets.UTF_8)).toBytes());
        assertMessage(() -> Checkpoint.open(folder), "byte order big");
    }

    @Test
    void directoriesThatLieAreRefused() {
        // two entries that share their bytes: how zip bombs multiply
        byte[] overlapping = PyTorchBytes.sample().toBytes();
        ByteBuffer view = ByteBuffer.wrap(overlapping).order(ByteOrder.LITTLE_ENDIAN);
        int second = central(view, central(view, 0) + 1);
        view.putInt(second + 20, 100).putInt(second + 24, 100);
        write(overlapping);
        assertMessage(() -> Checkpoint.open(folder), "overlap");

        byte[] encrypted = PyTorchBytes.sample().toBytes();
        ByteBuffer.wrap(encrypted).order(ByteOrder.LITTLE_ENDIAN).putShort(central(ByteBuffer.wrap(encrypted).order(ByteOrder.LITTLE_ENDIAN), 0) + 8, (short) 1);
        write(encrypted);
        assertMessage(() -> Checkpoint.open(folder), "is encrypted");

        byte[] renamed = PyTorchBytes.sample().toBytes();
        renamed[30] = 'X';
        write(renamed);
        assertMessage(() -> Checkpoint.open(folder), "otherwise than its own header");

        byte[] many = PyTorchBytes.sample().toBytes();
        ByteBuffer.wrap(many).order(ByteOrder.LITTLE_ENDIAN).putShort(many.length - 12, (short) -1);
        write(many);
        assertMessage(() -> Checkpoint.open(folder), file().toString(), "damaged");
    }

    private static int central(ByteBuffer zip, int from) {
        for (int at = from; ; at++) if (zip.getInt(at) == CENTRAL) return at;
    }

    @Test
    void anArchiveThatIsCutOffAnywhereIsRefusedByItsName() {
        byte[] whole = PyTorchBytes.sample().toBytes();
        for (int length = 0; length < whole.length; length++) {
            write(Arrays.copyOf(whole, length));
            assertMessage(() -> Checkpoint.open(folder), file().toString());
        }
    }

    private void refused(PyTorchBytes.Pickle pickle, String... parts) {
        write(new PyTorchBytes(pickle.toBytes()).entry("data/0", PyTorchBytes.floats(1, 2, 3, 4, 5, 6)).toBytes());
        assertMessage(() -> Checkpoint.open(folder), parts);
        assertMessage(() -> Checkpoint.open(folder), file().toString());
    }

    private static void assertMessage(org.junit.jupiter.api.function.Executable call, String... parts) {
        CheckpointException e = assertThrows(CheckpointException.class, call);
        for (String part : parts) assertTrue(e.getMessage().contains(part), () -> "no \"" + part + "\" in: " + e.getMessage());
    }
}
