package dev.skald.compute;

import dev.skald.compute.cpu.CpuTestDevice;
import dev.skald.compute.cuda.CudaTestDevice;
import dev.skald.compute.cuda.SimCuda;
import dev.skald.compute.reference.ReferenceTestDevice;
import dev.skald.tensor.DType;
import java.util.Arrays;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.Stream;

/** All devices that this machine can test; every test of operations and of decoders runs on each. A new device adds its line here. */
public final class TestDevices {
    /** The one instruction set whose products round activations to BF16 where weights are BF16. */
    private static final String BF16_DOT = "avx512";
    /** Its products split activations into two of the weights' type. */
    private static final String CUDA = "cuda";

    /**
     * @param name      shown with the test
     * @param isa       of its kernels: devices of the same one have the same bits
     * @param oneThread the same with one thread; empty: there is nothing to compare it with
     */
    public record Factory(String name, String isa, Supplier<TestDevice> maker, Optional<Supplier<TestDevice>> oneThread) {
        public TestDevice open() {
            return maker.get();
        }

        /** Half a unit in the last place of what a product rounds its activations to, beside their rounding to f32. */
        public double activationUnit(DType weights) {
            if (weights != DType.BF16) return 0;
            return isa.equals(BF16_DOT) ? 0x1p-9 : isa.equals(CUDA) ? 0x1p-17 : 0;
        }

        @Override
        public String toString() {
            return name;
        }
    }

    private TestDevices() {}

    public static Stream<Factory> all() {
        Stream<Factory> reference = Stream.of(new Factory("reference", "reference", ReferenceTestDevice::new, Optional.empty()));
        return Stream.concat(Stream.concat(reference, cpus(1, 3)), cuda());
    }

    /** Those whose products with quantised weights are the reference's to the bit: all but the reference's own, which widens weights. */
    public static Stream<Factory> integerProducts() {
        return Stream.concat(cpus(3), cuda());
    }

    /** The software CUDA device, where it was built: {@code SimCuda} says if it wasn't. */
    private static Stream<Factory> cuda() {
        if (!SimCuda.isHere()) return Stream.empty();
        return Stream.of(new Factory("cuda, simulated, batch-invariant", CUDA, () -> new CudaTestDevice(true), Optional.empty()));
    }

    /** The CPU with each kind of kernels; native ones where the build made them: {@code NativeKernelsTest} says if it didn't. */
    public static Stream<Factory> cpus(int... threads) {
        Stream<Factory> java = Arrays.stream(threads).mapToObj(t -> cpu(t));
        return Stream.concat(java, CpuTestDevice.nativeIsas().stream().flatMap(isa -> Arrays.stream(threads).mapToObj(t -> cpu(t, isa))));
    }

    /** Kernels in Java. */
    public static Factory cpu(int threads) {
        return new Factory(name(threads, "java"), "java", () -> new CpuTestDevice(threads), Optional.of(() -> new CpuTestDevice(1)));
    }

    private static Factory cpu(int threads, String isa) {
        return new Factory(name(threads, isa), isa, () -> new CpuTestDevice(threads, isa), Optional.of(() -> new CpuTestDevice(1, isa)));
    }

    private static String name(int threads, String isa) {
        return "cpu, " + isa + ", " + threads + (threads == 1 ? " thread" : " threads");
    }
}
