package dev.skald.compute.cuda;

import static dev.skald.compute.cuda.Driver.check;

import java.util.ArrayList;
import java.util.List;
import jcuda.driver.CUgraph;
import jcuda.driver.CUgraphExec;
import jcuda.driver.CUstream;
import jcuda.driver.CUstreamCaptureMode;
import jcuda.driver.JCudaDriver;

/**
 * What a model enqueues for a step, recorded once for each size and played back from then on. A step is two graphs, one after the other: what is
 * done for each token, for so many tokens, and what is done for each row of logits, for so many rows; so a mixed step, of many tokens and few
 * rows, is served as well as one that only decodes. Belongs to the thread that runs the step.
 */
final class CudaGraphs implements AutoCloseable {
    /** Memory of the driver for a recorded launch: a guess on the safe side, until a card was measured. */
    private static final long NODE_BYTES = 16 << 10;
    private static final int NODES_OF_A_LAYER = 12;
    private static final int OTHER_NODES = 8;

    private final CUstream stream;
    private final Buckets tokens;
    private final Buckets rows;
    private final List<CUgraphExec> bodies = new ArrayList<>();
    private final List<CUgraphExec> tails = new ArrayList<>();
    private boolean recording;
    private boolean inTail;

    CudaGraphs(CUstream stream, Buckets tokens, Buckets rows) {
        this.stream = stream;
        this.tokens = tokens;
        this.rows = rows;
    }

    /** Memory for all graphs of a model with so many layers, whatever the limits of a step. */
    static long plannedBytes(int layers) {
        int sizes = Buckets.upTo(Buckets.MOST).count();
        return sizes * NODE_BYTES * ((long) layers * NODES_OF_A_LAYER + OTHER_NODES);
    }

    /** How often {@link #record} must be called, with 0 … this. */
    int recordings() {
        return Math.max(tokens.count(), rows.count());
    }

    int tokensOf(int recording) {
        return tokens.size(Math.min(recording, tokens.count() - 1));
    }

    int rowsOf(int recording) {
        return rows.size(Math.min(recording, rows.count() - 1));
    }

    /** @param model enqueues a step, and calls {@link #beginRows} once, before its first operation on rows of logits */
    void record(Runnable model) {
        begin();
        recording = true;
        inTail = false;
        try {
            model.run();
        } catch (RuntimeException e) {
            JCudaDriver.cuStreamEndCapture(stream, new CUgraph());
            throw e;
        } finally {
            recording = false;
        }
        if (!inTail) throw new IllegalStateException("a step without rows of logits can't be recorded");
        keep(tails, rows);
    }

    /** Relaxed: a kernel that is launched for the first time may have to be loaded meanwhile. */
    private void begin() {
        check("cuStreamBeginCapture", JCudaDriver.cuStreamBeginCapture(stream, CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_RELAXED));
    }

    boolean recording() {
        return recording;
    }

    void beginRows() {
        if (inTail) throw new IllegalStateException("rows of logits were begun twice");
        keep(bodies, tokens);
        begin();
        inTail = true;
    }

    private void keep(List<CUgraphExec> graphs, Buckets sizes) {
        CUgraph graph = new CUgraph();
        check("cuStreamEndCapture", JCudaDriver.cuStreamEndCapture(stream, graph));
        if (graphs.size() < sizes.count()) {
            CUgraphExec executable = new CUgraphExec();
            check("cuGraphInstantiate", JCudaDriver.cuGraphInstantiate(executable, graph, 0));
            graphs.add(executable);
            check("cuGraphUpload", JCudaDriver.cuGraphUpload(executable, stream));
        }
        check("cuGraphDestroy", JCudaDriver.cuGraphDestroy(graph));
    }

    /** Whether a step of so many tokens and rows was recorded. */
    boolean holds(int usedTokens, int usedRows) {
        return tokens.index(usedTokens) < tokens.count() && rows.index(usedRows) < rows.count();
    }

    /** Enqueues it. */
    void play(int usedTokens, int usedRows) {
        launch(bodies.get(tokens.index(usedTokens)));
        if (usedRows > 0) launch(tails.get(rows.index(usedRows)));
    }

    private void launch(CUgraphExec graph) {
        check("cuGraphLaunch", JCudaDriver.cuGraphLaunch(graph, stream));
    }

    @Override
    public void close() {
        bodies.forEach(JCudaDriver::cuGraphExecDestroy);
        tails.forEach(JCudaDriver::cuGraphExecDestroy);
        bodies.clear();
        tails.clear();
    }
}
