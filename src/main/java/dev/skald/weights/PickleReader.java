package dev.skald.weights;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads the subset of Python's pickles (protocols 2 to 5) that saved tensors consist of. It runs nothing: opcodes and names are allowed one by
 * one, any other is refused by its name. Each opcode makes at most one value, so memory and time are bounded by the pickle's length. One thread.
 */
final class PickleReader {
    /** Some 100 bytes a tensor are usual. */
    static final int MAX_BYTES = 64 << 20;
    private static final int MAX_NAME = 256;
    private static final int MAX_OPERATIONS = 8 << 20;

    private final String where;
    private final ByteBuffer in;
    private final List<PickleValue> stack = new ArrayList<>();
    /** Heights of the stack at open marks. */
    private final List<Integer> marks = new ArrayList<>();
    private final Map<Integer, PickleValue> memo = new HashMap<>();

    private PickleReader(String where, byte[] pickle) {
        this.where = where;
        this.in = ByteBuffer.wrap(pickle).order(java.nio.ByteOrder.LITTLE_ENDIAN);
    }

    /**
     * @param where names the file in messages
     * @return the pickled value
     * @throws CheckpointException if it is no pickle, or not of the subset
     */
    static PickleValue read(String where, byte[] pickle) {
        PickleReader reader = new PickleReader(where, pickle);
        try {
            for (int n = 0; n < MAX_OPERATIONS; n++) {
                int opcode = reader.in.get() & 0xFF;
                if (opcode == '.') return reader.pop();
                reader.step(opcode);
            }
        } catch (java.nio.BufferUnderflowException e) {
            throw new CheckpointException(where + " is damaged: its pickle ends early", e);
        }
        throw new CheckpointException(where + " is refused: its pickle has more than " + MAX_OPERATIONS + " operations");
    }

    private void step(int opcode) {
        switch (opcode) {
            case 0x80 -> protocol(in.get() & 0xFF);
            case 0x95 -> in.getLong(); // FRAME: a hint for readers of streams
            case 'c' -> push(global(line(), line()));
            case 0x93 -> {
                String name = text(pop());
                push(global(text(pop()), name));
            }
            case '(' -> marks.add(stack.size());
            case ')' -> push(new PickleValue.Tuple(List.of()));
            case 0x85 -> push(tuple(1));
            case 0x86 -> push(tuple(2));
            case 0x87 -> push(tuple(3));
            case 't' -> push(new PickleValue.Tuple(popToMark()));
            case '}' -> push(new PickleValue.Dict());
            case 's' -> setItems(tuple(2).elements());
            case 'u' -> setItems(popToMark());
            case 'N' -> push(new PickleValue.None());
            case 0x88 -> push(new PickleValue.Bool(true));
            case 0x89 -> push(new PickleValue.Bool(false));
            case 'R' -> reduce();
            case 'b' -> build();
            case 'Q' -> push(storage(pop()));
            default -> {
                if (!number(opcode) && !string(opcode) && !memo(opcode)) throw refused("its pickle has the operation " + name(opcode));
            }
        }
    }

    private boolean number(int opcode) {
        switch (opcode) {
            case 'K' -> push(new PickleValue.Int(in.get() & 0xFF));
            case 'M' -> push(new PickleValue.Int(in.getShort() & 0xFFFF));
            case 'J' -> push(new PickleValue.Int(in.getInt()));
            case 0x8a -> push(new PickleValue.Int(longInteger(in.get() & 0xFF)));
            case 'G' -> push(new PickleValue.Real(Double.longBitsToDouble(Long.reverseBytes(in.getLong()))));
            default -> {
                return false;
            }
        }
        return true;
    }

    private boolean string(int opcode) {
        switch (opcode) {
            case 'X' -> push(new PickleValue.Text(utf8(in.getInt() & 0xFFFF_FFFFL)));
            case 0x8c -> push(new PickleValue.Text(utf8(in.get() & 0xFF)));
            default -> {
                return false;
            }
        }
        return true;
    }

    private boolean memo(int opcode) {
        switch (opcode) {
            case 'q' -> memo.put(in.get() & 0xFF, peek());
            case 'r' -> memo.put(in.getInt(), peek());
            case 0x94 -> memo.put(memo.size(), peek());
            case 'h' -> push(remembered(in.get() & 0xFF));
            case 'j' -> push(remembered(in.getInt()));
            default -> {
                return false;
            }
        }
        return true;
    }

    private void protocol(int version) {
        if (version < 2 || version > 5) throw refused("its pickle is of protocol " + version);
    }

    private PickleValue global(String module, String name) {
        return PickleGlobal.of(module, name)
                .map(PickleValue.Global::new)
                .orElseThrow(() -> refused("its pickle names " + Printable.of(module) + "." + Printable.of(name)));
    }

    private void setItems(List<PickleValue> items) {
        if (!(peek() instanceof PickleValue.Dict dict)) throw damaged("puts items into what is no dict");
        if (items.size() % 2 != 0) throw damaged("has a key without a value");
        for (int i = 0; i < items.size(); i += 2) dict.entries().put(text(items.get(i)), items.get(i + 1));
    }

    /** A call of one of the known functions. */
    private void reduce() {
        PickleValue arguments = pop();
        PickleValue function = pop();
        if (!(function instanceof PickleValue.Global global) || !(arguments instanceof PickleValue.Tuple tuple)) throw damaged("calls " + PickleValue.kind(function));
        List<PickleValue> a = tuple.elements();
        push(switch (global.name()) {
            case PickleGlobal.OrderedDict d when a.isEmpty() -> new PickleValue.Dict();
            case PickleGlobal.RebuildTensor r when a.size() >= 4 -> view(a);
            case PickleGlobal.RebuildParameter p when !a.isEmpty() && a.getFirst() instanceof PickleValue.View view -> view;
            default -> throw damaged("calls " + global.name() + " with unknown arguments");
        });
    }

    private PickleValue view(List<PickleValue> a) {
        PickleValue.Storage storage = PickleValue.storage(a.getFirst()).orElseThrow(() -> damaged("makes a tensor of " + PickleValue.kind(a.getFirst())));
        return new PickleValue.View(storage, natural(a.get(1)), naturals(a.get(2)), naturals(a.get(3)));
    }

    /** Attributes of a dict: saved modules carry their versions like that. Nothing of it is needed. */
    private void build() {
        PickleValue state = pop();
        if (!(state instanceof PickleValue.Dict) || !(peek() instanceof PickleValue.Dict)) throw damaged("sets attributes of " + PickleValue.kind(peek()));
    }

    private PickleValue storage(PickleValue id) {
        boolean known = id instanceof PickleValue.Tuple t && t.elements().size() == 5
                && t.elements().get(0) instanceof PickleValue.Text kind && kind.text().equals("storage")
                && t.elements().get(1) instanceof PickleValue.Global;
        if (!known) throw damaged("refers to something outside that is no storage");
        List<PickleValue> parts = ((PickleValue.Tuple) id).elements();
        if (!(((PickleValue.Global) parts.get(1)).name() instanceof PickleGlobal.StorageType type)) throw damaged("has a storage without a type");
        return new PickleValue.Storage(type.type(), text(parts.get(2)), natural(parts.get(4)));
    }

    private void push(PickleValue value) {
        stack.add(value);
    }

    private PickleValue pop() {
        if (stack.size() <= floor()) throw damaged("takes a value that isn't there");
        return stack.removeLast();
    }

    private PickleValue peek() {
        if (stack.size() <= floor()) throw damaged("takes a value that isn't there");
        return stack.getLast();
    }

    /** Values below an open mark are out of reach. */
    private int floor() {
        return marks.isEmpty() ? 0 : marks.getLast();
    }

    private PickleValue.Tuple tuple(int size) {
        if (stack.size() - size < floor()) throw damaged("takes a value that isn't there");
        List<PickleValue> top = stack.subList(stack.size() - size, stack.size());
        PickleValue.Tuple tuple = new PickleValue.Tuple(List.copyOf(top));
        top.clear();
        return tuple;
    }

    private List<PickleValue> popToMark() {
        if (marks.isEmpty()) throw damaged("takes values from a mark that isn't there");
        List<PickleValue> top = stack.subList(marks.removeLast(), stack.size());
        List<PickleValue> values = List.copyOf(top);
        top.clear();
        return values;
    }

    private PickleValue remembered(int index) {
        PickleValue value = memo.get(index);
        if (value == null) throw damaged("takes back value " + index + ", which it never put aside");
        return value;
    }

    private String text(PickleValue value) {
        if (value instanceof PickleValue.Text text) return text.text();
        throw damaged("has " + PickleValue.kind(value) + " where a str belongs");
    }

    private long natural(PickleValue value) {
        if (value instanceof PickleValue.Int number && number.value() >= 0) return number.value();
        throw damaged("has " + PickleValue.kind(value) + " where a natural number belongs");
    }

    private long[] naturals(PickleValue value) {
        if (!(value instanceof PickleValue.Tuple tuple) || tuple.elements().size() > dev.skald.tensor.Shape.MAX_RANK) {
            throw damaged("has " + PickleValue.kind(value) + " where a short tuple belongs");
        }
        return tuple.elements().stream().mapToLong(this::natural).toArray();
    }

    private long longInteger(int bytes) {
        if (bytes > 8) throw damaged("has a whole number of " + bytes + " bytes");
        long value = 0;
        for (int i = 0; i < bytes; i++) value |= (in.get() & 0xFFL) << 8 * i;
        int unused = 64 - 8 * bytes;
        return bytes == 0 ? 0 : value << unused >> unused;
    }

    private String line() {
        int begin = in.position();
        while (in.get() != '\n') {
            if (in.position() - begin > MAX_NAME) throw damaged("has a name of more than " + MAX_NAME + " bytes");
        }
        return new String(in.array(), begin, in.position() - 1 - begin, StandardCharsets.ISO_8859_1);
    }

    private String utf8(long length) {
        if (length > in.remaining()) throw damaged("has a text that goes beyond its end");
        ByteBuffer bytes = in.slice(in.position(), (int) length);
        in.position(in.position() + (int) length);
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(bytes).toString();
        } catch (CharacterCodingException e) {
            throw damaged("has a text that is not UTF-8");
        }
    }

    private static String name(int opcode) {
        return "0x" + Integer.toHexString(opcode) + (opcode > ' ' && opcode < 0x7F ? " (" + (char) opcode + ")" : "");
    }

    private CheckpointException refused(String what) {
        return new CheckpointException(where + " is refused: " + what + ", which tensors don't need (at byte " + in.position() + ")");
    }

    private CheckpointException damaged(String what) {
        return new CheckpointException(where + " is damaged: its pickle " + what + " (at byte " + in.position() + ")");
    }
}
