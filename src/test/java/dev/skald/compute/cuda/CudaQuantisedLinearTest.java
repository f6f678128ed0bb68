package dev.skald.compute.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.skald.compute.QuantisedWeights;
import dev.skald.compute.Weight;
import dev.skald.compute.WeightRole;
import dev.skald.tensor.DType;
import dev.skald.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Products with quantised weights have the reference's bits, which are the CPU's, in every kernel: for 1 to 8 rows, to 16, to 64, and beyond.
 * {@code QuantisedLinearTest} has the limits of integers and scales; here are the edges of rows, panels, chunks and stages.
 */
class CudaQuantisedLinearTest {
    /** Of each kernel the least, the greatest, and with more than one block of rows. */
    private static final int[] ROWS = {1, 7, 8, 9, 16, 17, 63, 64, 65, 128, 129, 150};

    @BeforeEach
    void needsTheDevice() {
        SimCuda.use();
    }

    static Stream<DType> types() {
        return QuantisedWeights.TYPES.stream();
    }

    /** One and a half stages of 512 columns, the last chunk half empty where blocks are small. */
    private static int cols(DType type) {
        return type.blockElements() == 32 ? 736 : 768;
    }

    @ParameterizedTest
    @MethodSource("types")
    void aRowHasTheReferencesBitsWhateverElseIsInTheStep(DType type) {
        try (QuantisedProducts products = new QuantisedProducts(new CudaTestDevice(true), type, 71, cols(type), 150, 1)) {
            for (int rows : ROWS) products.check(rows);
            for (int rows : new int[] {1, 20}) products.checkLogitRows(rows);
        }
    }

    /** cuBLAS, which adds in another order, never gets them, so the setting changes nothing. */
    @Test
    void withCublasTheBitsAreTheSame() {
        for (DType type : List.of(DType.Q4_0, DType.Q4_K)) {
            try (QuantisedProducts products = new QuantisedProducts(new CudaTestDevice(false), type, 40, cols(type), 100, 2)) {
                products.check(100);
            }
        }
    }

    /** Stages go round in shared memory several times. */
    @ParameterizedTest
    @MethodSource("types")
    void longRowsHaveTheReferencesBits(DType type) {
        try (QuantisedProducts products = new QuantisedProducts(new CudaTestDevice(true), type, 17, 4352 + type.blockElements(), 65, 3)) {
            for (int rows : new int[] {1, 9, 17, 65}) products.check(rows);
        }
    }

    @Test
    void aWeightTakesTheMemoryThatIsPlanned() {
        try (CudaTestDevice test = new CudaTestDevice(true)) {
            CudaDevice device = test.device();
            for (DType type : QuantisedWeights.TYPES) {
                Tensor tensor = QuantisedWeights.random(type, 35, 512, 4);
                for (WeightRole role : List.of(WeightRole.LINEAR, WeightRole.EMBEDDING)) {
                    long before = SimCuda.counters().liveBytes();
                    Weight weight = device.pack(role, List.of(tensor));
                    long planned = device.packedBytes(role, type, 35, 512);
                    assertEquals(planned, weight.bytes(), type + " as " + role);
                    if (before > 0 && role == WeightRole.EMBEDDING) assertEquals(type.bytes(35 * 512), planned, "a table stays as the file has it");
                }
            }
            // 48 rows with padding, 8 chunks each; Q4_0 takes 4.5 bits for an element
            assertEquals(48 * 512 * 9 / 16, device.packedBytes(WeightRole.LINEAR, DType.Q4_0, 35, 512));
            assertEquals(3 * 8 * 592, device.packedBytes(WeightRole.LINEAR, DType.Q4_K, 35, 512));
        }
    }

    @Test
    void partsOfSeveralTypesAreSectionsOfOneWeight() {
        try (CudaTestDevice test = new CudaTestDevice(true)) {
            List<Tensor> parts = new ArrayList<>();
            for (DType type : List.of(DType.Q4_K, DType.Q4_K, DType.Q6_K, DType.Q8_0)) parts.add(QuantisedWeights.random(type, 5, 256, 5));
            CudaLinearWeight weight = CudaLinearWeight.of(test.device().pack(WeightRole.LINEAR, parts));
            assertEquals(List.of(0, 10, 15), weight.sections().stream().map(CudaLinearWeight.Section::firstRow).toList());
            assertEquals(20, weight.rows());
            Tensor other = QuantisedWeights.random(DType.Q4_K, 5, 512, 6);
            String message = assertThrows(
                    IllegalArgumentException.class, () -> test.device().pack(WeightRole.LINEAR, List.of(parts.getFirst(), other))).getMessage();
            assertEquals("Q4_K Q4_K[5, 512] can't be packed as LINEAR with Q4_K Q4_K[5, 256]", message);
        }
    }

    static Stream<DType> layouts() {
        return QuantFragments.LAYOUTS.stream();
    }

    /** simcuda-check looks at each access of each kernel. */
    @ParameterizedTest
    @MethodSource("layouts")
    void theKernelsAreClean(DType type) {
        SimCuda.findings();
        try (QuantisedProducts products = new QuantisedProducts(new CudaTestDevice(true, SimCuda.checkedKernels()), type, 40, cols(type) + 512, 70, 7)) {
            for (int rows : new int[] {3, 10, 19, 70}) products.check(rows);
            assertEquals(new SimCuda.Findings(0, ""), SimCuda.findings());
        }
    }

    @ParameterizedTest
    @MethodSource("types")
    void lookingUpRowsIsClean(DType type) {
        SimCuda.findings();
        try (CudaTestDevice test = new CudaTestDevice(true, SimCuda.checkedKernels())) {
            CudaLookups.check(test, type);
            assertEquals(new SimCuda.Findings(0, ""), SimCuda.findings());
        }
    }
}
