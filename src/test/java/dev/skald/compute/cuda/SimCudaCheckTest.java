package dev.skald.compute.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.skald.compute.Batch;
import dev.skald.compute.BatchLimits;
import dev.skald.model.DecoderHarness;
import dev.skald.model.DecoderHarness.Chunk;
import dev.skald.model.DecoderHarness.Rows;
import dev.skald.sampling.SamplingParams;
import dev.skald.sampling.SlotSetup;
import dev.skald.tensor.DType;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import jcuda.driver.CUstream;
import jcuda.driver.JCudaDriver;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** simcuda-check finds planted mistakes, and none in the kernels of a decoder's steps. */
class SimCudaCheckTest {
    private static final Path GOLDEN = Path.of("src/test/resources/golden/models");

    @BeforeEach
    void needsTheDevice() throws CudaUnavailableException {
        SimCuda.use();
        Driver.load();
        JCudaDriver.cuInit(0);
        SimCuda.findings();
    }

    private static SimCuda.Findings run(String kernel, int blocks) throws CudaUnavailableException {
        CUstream stream = new CUstream();
        JCudaDriver.cuStreamCreate(stream, 0);
        try (CudaMemory memory = new CudaMemory(); Kernels kernels = Kernels.load(SimCuda.checkedKernels())) {
            kernels.arguments().begin().put(memory.allocate(4L * Kernels.BLOCK, "a test").value()).put(0L);
            kernels.launch(kernels.function(kernel), blocks, 1, 1, 0, stream);
            JCudaDriver.cuStreamSynchronize(stream);
            return SimCuda.findings();
        } finally {
            JCudaDriver.cuStreamDestroy(stream);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "planted_write_race, 1, race of two writes",
        "planted_missing_barrier, 1, read of memory that nobody wrote",
        "planted_blocks_race, 2, race of two writes",
        "planted_out_of_bounds, 1, access outside any allocation",
        "planted_uninitialised, 1, read of memory that nobody wrote",
        "planted_divergent_barrier, 1, barriers at different places",
        "planted_misaligned, 1, misaligned access",
    })
    void eachPlantedMistakeIsFound(String kernel, int blocks, String kind) throws CudaUnavailableException {
        SimCuda.Findings found = run(kernel, blocks);
        assertTrue(found.text().contains(kind) && found.text().contains(kernel), found.toString());
    }

    @Test
    void whatIsInOrderIsNotAccused() throws CudaUnavailableException {
        assertEquals(new SimCuda.Findings(0, ""), run("planted_nothing", 1));
    }

    /** A prompt in two chunks beside others, a fork, then drawn tokens with every filter, in contexts of one and two splits. */
    @Test
    void theKernelsOfADecodersStepsAreClean() {
        stepsAreClean("gqa-f16");
    }

    @Tag("slow")
    @ParameterizedTest
    @ValueSource(strings = {"tied-bf16", "mha-f32", "all-biases-bf16", "head-dim-f16"})
    void theKernelsOfEveryTypeAreClean(String model) {
        stepsAreClean(model);
    }

    private static void stepsAreClean(String model) {
        BatchLimits limits = new BatchLimits(80, 6, 80, 20, 3);
        SamplingParams all = new SamplingParams(0.8f, 20, 0.9f, 0.01f, 1.2f, 0.1f, 0.1f, Map.of(3, 1f), List.of(), List.of(List.of(4, 5)));
        try (CudaTestDevice device = new CudaTestDevice(false, SimCuda.checkedKernels());
                DecoderHarness harness = new DecoderHarness(device, GOLDEN.resolve(model), Optional.empty(), DType.F16, limits, 40)) {
            int greedy = harness.begin();
            int drawn = harness.begin(new SlotSetup(all, 7, 0, 2, List.of(1), new int[] {3, 4}, new int[] {5}));
            int[] prompt = IntStream.range(0, 67).map(i -> 3 + i % 50).toArray();
            harness.step(List.of(new Chunk(greedy, prompt, Rows.LAST), new Chunk(drawn, new int[] {3, 4}, Rows.LAST)));
            for (int i = 0; i < 3; i++) harness.step(List.of(new Chunk(greedy, prompt, Rows.NONE), new Chunk(drawn, new int[] {-1}, Rows.LAST)));
            harness.step(List.of(new Chunk(greedy, new int[] {5}, Rows.LAST)));
            harness.step(List.of(new Chunk(greedy, new int[] {-1}, Rows.LAST), new Chunk(drawn, new int[] {-1}, Rows.LAST)));
            assertEquals(new SimCuda.Findings(0, ""), SimCuda.findings());
        }
    }

    /** Rows whose log-probabilities are wanted, and copies of blocks. */
    @Test
    void logprobsAndCopiesAreClean() {
        BatchLimits limits = new BatchLimits(8, 2, 8, 2, 3);
        try (CudaTestDevice test = new CudaTestDevice(false, SimCuda.checkedKernels())) {
            CudaDevice device = test.device();
            Batch batch = device.batch(limits);
            var output = device.output(limits);
            var logits = device.buffer(DType.F32, 8, 300);
            var adjusted = device.buffer(DType.F32, 8, 300);
            device.start(limits, device.kvCache(List.of(new dev.skald.compute.KvGroup(2, 1, 4, 16, DType.F16)), 4), 300);
            device.setSlot(0, new SlotSetup(SamplingParams.GREEDY, 1, 0, 0, List.of(), new int[0], new int[0]));
            float[] row = new float[300];
            for (int i = 0; i < row.length; i++) row[i] = i % 37;
            for (int r = 0; r < 2; r++) test.write(logits, r, row);
            batch.beginSequence(0, 2);
            batch.row(batch.token(1, 0), 0, 5, 3);
            batch.row(batch.token(2, 1), 0, -1, 0);
            batch.copyBlock(0, 1);
            device.upload(batch);
            device.ops().copyBlocks();
            device.ops().adjustLogits(logits, adjusted);
            device.ops().sample(adjusted, output);
            device.ops().topLogprobs(logits, output);
            device.await(output);
            assertEquals(36, output.token(1));
            assertEquals(new SimCuda.Findings(0, ""), SimCuda.findings());
        }
    }
}
