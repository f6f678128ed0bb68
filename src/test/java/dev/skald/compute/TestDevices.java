package dev.skald.compute;

import dev.skald.compute.cpu.CpuTestDevice;
import dev.skald.compute.cuda.CudaTestDevice;
import dev.skald.compute.cuda.SimCuda;
import dev.skald.compute.reference.ReferenceTestDevice;
import java.util.function.Supplier;
import java.util.stream.Stream;

/** All devices that this machine can test; every test of operations and of decoders runs on each. A new device adds its line here. */
public final class TestDevices {
    /** @param name shown with the test */
    public record Factory(String name, Supplier<TestDevice> maker) {
        public TestDevice open() {
            return maker.get();
        }

        @Override
        public String toString() {
            return name;
        }
    }

    private TestDevices() {}

    public static Stream<Factory> all() {
        return Stream.concat(
                Stream.of(
                        new Factory("reference", ReferenceTestDevice::new),
                        new Factory("cpu, 1 thread", () -> new CpuTestDevice(1)),
                        new Factory("cpu, 3 threads", () -> new CpuTestDevice(3))),
                SimCuda.isHere() ? Stream.of(new Factory("cuda, simulated, batch-invariant", () -> new CudaTestDevice(true))) : Stream.empty());
    }
}
