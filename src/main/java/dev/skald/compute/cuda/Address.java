package dev.skald.compute.cuda;

import jcuda.Pointer;

/** A host address for JCuda's calls, or what such a call returns one in. */
final class Address extends Pointer {
    Address() {}

    Address(long address) {
        super(address);
    }

    long value() {
        return getNativePointer() + getByteOffset();
    }
}
