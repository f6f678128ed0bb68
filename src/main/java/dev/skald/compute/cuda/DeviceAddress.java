package dev.skald.compute.cuda;

import jcuda.driver.CUdeviceptr;

/** A device address for JCuda's calls, or what such a call returns one in. */
final class DeviceAddress extends CUdeviceptr {
    private static final CUdeviceptr NULL = new CUdeviceptr();

    DeviceAddress() {}

    DeviceAddress(long address) {
        super(NULL, address);
    }

    long value() {
        return getNativePointer() + getByteOffset();
    }
}
