package dev.skald.compute;

import dev.skald.compute.cpu.CpuTestDevice;
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
        return Stream.concat(Stream.of(new Factory("reference", ReferenceTestDevice::new)), cpus());
    }

    /** The CPU with each kind of kernels; native ones where the build made them: {@code NativeKernelsTest} says if it didn't. */
    public static Stream<Factory> cpus() {
        Stream<Factory> java = Stream.of(cpu(1), cpu(3));
        return Stream.concat(java, CpuTestDevice.nativeIsas().stream().flatMap(isa -> Stream.of(cpu(1, isa), cpu(3, isa))));
    }

    /** Kernels in Java. */
    public static Factory cpu(int threads) {
        return new Factory("cpu, java, " + threads + (threads == 1 ? " thread" : " threads"), () -> new CpuTestDevice(threads));
    }

    public static Factory cpu(int threads, String isa) {
        return new Factory("cpu, " + isa + ", " + threads + (threads == 1 ? " thread" : " threads"), () -> new CpuTestDevice(threads, isa));
    }
}
