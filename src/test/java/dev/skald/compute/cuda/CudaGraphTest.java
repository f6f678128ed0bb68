package dev.skald.compute.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.skald.compute.BatchLimits;
import dev.skald.model.DecoderHarness;
import dev.skald.model.DecoderHarness.Chunk;
import dev.skald.model.DecoderHarness.Rows;
import dev.skald.sampling.SamplingParams;
import dev.skald.sampling.SlotSetup;
import dev.skald.tensor.DType;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import jcuda.driver.CUresult;
import jcuda.driver.CUstream;
import jcuda.driver.JCudaDriver;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Steps played back from graphs do, bit by bit, what the same steps do when each kernel is launched. */
class CudaGraphTest {
    private static final Path GOLDEN = Path.of("src/test/resources/golden/models");
    /** More tokens than own kernels multiply, so that cuBLAS is in graphs too. */
    private static final BatchLimits LIMITS = new BatchLimits(100, 6, 80, 20, 3);

    @BeforeEach
    void needsTheDevice() {
        SimCuda.use();
    }

    @Test
    void bucketsLieCloseTogetherAndHoldEverySize() {
        for (int limit : new int[] {1, 2, 5, 40, 64, 100, 511, 512, 5000}) {
            Buckets buckets = Buckets.upTo(limit);
            assertEquals(Math.min(limit, Buckets.MOST), buckets.size(buckets.count() - 1), "the last for a limit of " + limit);
            for (int i = 1; i < buckets.count(); i++) assertTrue(buckets.size(i - 1) < buckets.size(i));
            for (int n = 1; n <= Math.min(limit, Buckets.MOST); n++) {
                int capacity = buckets.capacity(n);
                assertTrue(capacity >= n && capacity < n + 64 && (n < 8 || 3 * capacity <= 6 * n), n + " in a bucket of " + capacity);
                assertEquals(capacity, buckets.size(buckets.index(n)));
            }
        }
        assertEquals(0, Buckets.upTo(64).capacity(0));
        assertEquals(513, Buckets.upTo(2000).capacity(513), "larger steps are not padded");
        assertEquals(19, Buckets.upTo(2000).count());
    }

    /** Chunks of many sizes beside drawn tokens, in contexts of one and two splits; logits of every row, tokens, keys and values. */
    private static List<Object> run(boolean batchInvariant, boolean recorded, String model, Path kernels) {
        SamplingParams drawing = new SamplingParams(0.8f, 20, 0.9f, 0.01f, 1.2f, 0.1f, 0.1f, Map.of(3, 1f), List.of(), List.of(List.of(4, 5)));
        List<Object> seen = new ArrayList<>();
        // Only a harness draws several tokens for one slot in a step: they race for the slot's last.
        Rows last = kernels.equals(SimCuda.checkedKernels()) ? Rows.LAST : Rows.ALL;
        CudaTestDevice device = new CudaTestDevice(new CudaSettings(0, batchInvariant, !recorded, kernels));
        try (DecoderHarness harness = new DecoderHarness(device, GOLDEN.resolve(model), Optional.empty(), DType.F16, LIMITS, 60)) {
            harness.recorded();
            SimCuda.Counters before = SimCuda.counters();
            int greedy = harness.begin();
            int drawn = harness.begin(new SlotSetup(drawing, 7, 0, 2, List.of(1), new int[] {3, 4}, new int[] {5}));
            for (int length : new int[] {1, 67, 2, 99, 24, 70, 5}) {
                int[] ids = IntStream.range(0, length).map(i -> 3 + (i * 7 + length) % 50).toArray();
                List<Chunk> chunks = new ArrayList<>(List.of(new Chunk(greedy, ids, length == 5 ? last : Rows.NONE)));
                chunks.add(new Chunk(drawn, new int[] {seen.isEmpty() ? 4 : -1}, Rows.LAST));
                note(harness.step(chunks), seen);
            }
            for (int i = 0; i < 3; i++) {
                note(harness.step(List.of(new Chunk(greedy, new int[] {-1}, Rows.LAST), new Chunk(drawn, new int[] {-1}, Rows.LAST))), seen);
            }
            seen.add(harness.kvHash(greedy));
            seen.add(harness.kvHash(drawn));
            SimCuda.Counters done = SimCuda.counters().since(before);
            assertEquals(recorded ? 20 : 0, done.graphLaunches(), "two graphs for each of 10 steps");
            assertEquals(0, done.allocations());
        }
        return seen;
    }

    private static void note(List<DecoderHarness.Row> rows, List<Object> seen) {
        for (DecoderHarness.Row row : rows) {
            seen.add(row.token());
            seen.add(DecoderHarness.hash(row.logits()));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"gqa-f16", "tied-bf16", "mha-f32"})
    void playedBackStepsGiveTheSameBits(String model) {
        assertEquals(run(true, false, model, SimCuda.kernels()), run(true, true, model, SimCuda.kernels()));
    }

    /** cuBLAS adds in an order that depends on the number of rows: these are the bucket's with and without graphs. */
    @Test
    void theyDoWithCublasToo() {
        assertEquals(run(false, false, "gqa-f16", SimCuda.kernels()), run(false, true, "gqa-f16", SimCuda.kernels()));
    }

    @Test
    void theyAreCleanUnderSimcudaCheck() {
        SimCuda.findings();
        run(true, true, "gqa-f16", SimCuda.checkedKernels());
        assertEquals(new SimCuda.Findings(0, ""), SimCuda.findings());
    }

    /** What the kernels don't check, the host does, with graphs too. */
    @Test
    void aTokenThatTheVocabularyLacksIsRefused() {
        CudaTestDevice device = new CudaTestDevice(true);
        try (DecoderHarness harness = new DecoderHarness(device, GOLDEN.resolve("gqa-f16"), Optional.empty(), DType.F16, LIMITS, 60).recorded()) {
            int slot = harness.begin();
            String message = assertThrows(
                    IllegalArgumentException.class, () -> harness.step(List.of(new Chunk(slot, new int[] {129}, Rows.LAST)))).getMessage();
            assertEquals("token id 129 is outside the vocabulary of 129", message);
        }
    }

    /** Graphs are no work: a stream that records can't be waited for, and its work does not run. */
    @Test
    void theSoftwareDeviceRecordsAsARealOneDoes() throws CudaUnavailableException {
        Driver.load();
        JCudaDriver.cuInit(0);
        try (CudaMemory memory = new CudaMemory()) {
            CUstream stream = new CUstream();
            JCudaDriver.cuStreamCreate(stream, 0);
            DeviceAddress device = memory.allocate(8, "a test");
            var host = memory.pinned(8);
            JCudaDriver.cuMemsetD8Async(device, (byte) 1, 8, stream);
            JCudaDriver.cuStreamSynchronize(stream);
            assertEquals(CUresult.CUDA_SUCCESS, JCudaDriver.cuStreamBeginCapture(stream, 2));
            JCudaDriver.cuMemsetD8Async(device, (byte) 7, 8, stream);
            assertEquals(CUresult.CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, JCudaDriver.cuStreamSynchronize(stream));
            jcuda.driver.CUgraph graph = new jcuda.driver.CUgraph();
            jcuda.driver.CUgraphExec executable = new jcuda.driver.CUgraphExec();
            assertEquals(CUresult.CUDA_SUCCESS, JCudaDriver.cuStreamEndCapture(stream, graph));
            assertEquals(CUresult.CUDA_SUCCESS, JCudaDriver.cuGraphInstantiate(executable, graph, 0));
            JCudaDriver.cuGraphDestroy(graph);
            for (byte expected : new byte[] {1, 7, 7}) {
                JCudaDriver.cuMemcpyDtoH(new Address(host.address()), device, 8);
                assertEquals(expected, host.get(java.lang.foreign.ValueLayout.JAVA_BYTE, 3));
                JCudaDriver.cuGraphLaunch(executable, stream);
                JCudaDriver.cuStreamSynchronize(stream);
            }
            JCudaDriver.cuGraphExecDestroy(executable);
            JCudaDriver.cuStreamDestroy(stream);
        }
    }
}
