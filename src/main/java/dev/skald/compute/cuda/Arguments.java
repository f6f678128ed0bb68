package dev.skald.compute.cuda;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Writes a kernel's structure, member after member, without gaps: 8-byte members must come at multiples of 8. Allocates nothing. */
final class Arguments {
    private final MemorySegment block;
    private int at;

    Arguments(MemorySegment block) {
        this.block = block;
    }

    /** Begins the next structure with these bytes. */
    Arguments begin(MemorySegment step) {
        MemorySegment.copy(step, 0, block, 0, step.byteSize());
        at = (int) step.byteSize();
        return this;
    }

    Arguments begin() {
        at = 0;
        return this;
    }

    Arguments put(long value) {
        if (at % 8 != 0) throw new IllegalStateException("an 8-byte member at " + at);
        block.set(ValueLayout.JAVA_LONG, at, value);
        at += 8;
        return this;
    }

    Arguments put(int value) {
        block.set(ValueLayout.JAVA_INT, at, value);
        at += 4;
        return this;
    }

    Arguments put(float value) {
        block.set(ValueLayout.JAVA_FLOAT, at, value);
        at += 4;
        return this;
    }

    /** The structure written so far. */
    MemorySegment bytes() {
        return block.asSlice(0, at);
    }
}
