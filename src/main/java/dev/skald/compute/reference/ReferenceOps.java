package dev.skald.compute.reference;

import dev.skald.compute.Activation;
import dev.skald.compute.AttentionShape;
import dev.skald.compute.Batch;
import dev.skald.compute.Epilogue;
import dev.skald.compute.HostSlots;
import dev.skald.compute.HostStepOutput;
import dev.skald.compute.Ops;
import dev.skald.compute.RowSet;
import dev.skald.compute.StepOutput;
import dev.skald.compute.Weight;
import dev.skald.tensor.Buffer;
import dev.skald.tensor.DType;

/** Runs each operation at once, one row after the other. */
final class ReferenceOps implements Ops {
    private static final float[] NO_BIAS = {};

    private final ReferenceDevice device;

    ReferenceOps(ReferenceDevice device) {
        this.device = device;
    }

    @Override
    public void copyBlocks() {
        Batch batch = device.batch();
        for (int c = 0; c < batch.blockCopies(); c++) device.cache().copyBlock(batch.copySource(c), batch.copyTarget(c));
    }

    @Override
    public void embed(Weight table, Buffer x) {
        HeapWeight rows = HeapWeight.of(table);
        HeapBuffer out = HeapBuffer.of(x);
        same("columns of embedding and buffer", rows.cols(), out.cols());
        Batch batch = device.batch();
        for (int t = 0; t < batch.tokens(); t++) {
            int id = device.slots().tokenId(batch, t);
            if (id >= rows.rows()) throw new IllegalArgumentException("token id " + id + " is outside the vocabulary of " + rows.rows());
            System.arraycopy(rows.data(), rows.row(id), out.data(), out.row(t), out.cols());
        }
    }

    @Override
    public void norm(Buffer x, Weight weight, float eps, Buffer out) {
        HeapBuffer in = HeapBuffer.of(x);
        HeapBuffer to = HeapBuffer.of(out);
        HeapWeight w = HeapWeight.of(weight);
        same("columns of x and weight", in.cols(), w.cols());
        same("columns of x and out", in.cols(), to.cols());
        for (int t = 0; t < device.batch().tokens(); t++) Rows.norm(in.data(), in.row(t), w.data(), eps, to.data(), to.row(t));
    }

    @Override
    public void addNorm(Buffer x, Buffer delta, Weight weight, float eps, Buffer out) {
        HeapBuffer sum = HeapBuffer.of(x);
        HeapBuffer added = HeapBuffer.of(delta);
        same("columns of x and delta", sum.cols(), added.cols());
        for (int i = 0; i < device.batch().tokens() * sum.cols(); i++) sum.data()[i] += added.data()[i];
        norm(x, weight, eps, out);
    }

    @Override
    public void linear(RowSet rows, Weight weight, Buffer in, Epilogue epilogue, Buffer out) {
        HeapWeight w = HeapWeight.of(weight);
        HeapBuffer from = HeapBuffer.of(in);
        HeapBuffer to = HeapBuffer.of(out);
        same("columns of in and weight", from.cols(), w.cols());
        same("columns of out and rows of weight", to.cols(), w.rows());
        float[] bias = switch (epilogue) {
            case Epilogue.None() -> NO_BIAS;
            case Epilogue.Bias(Weight b) -> HeapWeight.of(b).data();
        };
        if (bias != NO_BIAS) same("columns of bias and rows of weight", bias.length, w.rows());
        for (int r = 0; r < device.batch().rows(rows); r++) {
            Rows.linear(w, from.data(), from.row(r), bias, to.data(), to.row(r));
        }
    }

    @Override
    public void ropeStore(AttentionShape shape, Buffer qkv, Weight ropeTable, int layer) {
        HeapBuffer x = HeapBuffer.of(qkv);
        HeapWeight table = HeapWeight.of(ropeTable);
        same("columns of qkv", x.cols(), shape.qkvCols());
        same("columns of the rope table", table.cols(), shape.headDim());
        Batch batch = device.batch();
        int blockTokens = device.cache().group().blockTokens();
        float[] key = new float[shape.kvHeads() * shape.headDim()];
        for (int t = 0; t < batch.tokens(); t++) {
            int position = batch.position(t);
            int angles = table.row(position);
            int at = x.row(t);
            for (int h = 0; h < shape.heads(); h++, at += shape.headDim()) {
                Rows.rotate(x.data(), at, shape.headDim(), table.data(), angles, x.data(), at);
            }
            for (int h = 0; h < shape.kvHeads(); h++, at += shape.headDim()) {
                Rows.rotate(x.data(), at, shape.headDim(), table.data(), angles, key, h * shape.headDim());
            }
            int block = device.slots().block(batch.tokenSlot(t), position / blockTokens);
            device.cache().store(layer, block, position % blockTokens, key, x.data(), at);
        }
    }

    @Override
    public void attention(AttentionShape shape, Buffer qkv, int layer, Buffer out) {
        HeapBuffer q = HeapBuffer.of(qkv);
        HeapBuffer to = HeapBuffer.of(out);
        same("columns of qkv", q.cols(), shape.qkvCols());
        same("columns of out", to.cols(), shape.heads() * shape.headDim());
        Batch batch = device.batch();
        Attention attention = new Attention(device.slots(), device.cache());
        int headsPerKv = shape.heads() / shape.kvHeads();
        for (int t = 0; t < batch.tokens(); t++) {
            for (int h = 0; h < shape.heads(); h++) {
                int at = h * shape.headDim();
                attention.head(shape, q.data(), q.row(t) + at, layer, batch.tokenSlot(t), h / headsPerKv, batch.position(t), to.data(), to.row(t) + at);
            }
        }
    }

    @Override
    public void activate(Activation activation, Buffer gateUp, Buffer out) {
        HeapBuffer from = HeapBuffer.of(gateUp);
        HeapBuffer to = HeapBuffer.of(out);
        same("columns of gateUp and twice those of out", from.cols(), 2 * to.cols());
        for (int t = 0; t < device.batch().tokens(); t++) {
            Rows.activate(activation, from.data(), from.row(t), to.cols(), to.data(), to.row(t));
        }
    }

    @Override
    public void gatherRows(Buffer in, Buffer out) {
        HeapBuffer from = HeapBuffer.of(in);
        HeapBuffer to = HeapBuffer.of(out);
        same("columns of in and out", from.cols(), to.cols());
        Batch batch = device.batch();
        for (int r = 0; r < batch.rows(); r++) {
            System.arraycopy(from.data(), from.row(batch.rowToken(r)), to.data(), to.row(r), to.cols());
        }
    }

    @Override
    public void adjustLogits(Buffer logits, Buffer adjusted) {
        HeapBuffer from = HeapBuffer.of(logits);
        HeapBuffer to = HeapBuffer.of(adjusted);
        Batch batch = device.batch();
        for (int r = 0; r < batch.rows(); r++) {
            device.slots().adjust(device.sampler(), batch, r, from.segment(), bytes(from, r), to.segment(), bytes(to, r));
        }
    }

    @Override
    public void sample(Buffer adjusted, StepOutput output) {
        HeapBuffer from = HeapBuffer.of(adjusted);
        Batch batch = device.batch();
        for (int r = 0; r < batch.rows(); r++) {
            device.slots().sample(device.sampler(), batch, r, from.segment(), bytes(from, r), (HostStepOutput) output);
        }
    }

    @Override
    public void topLogprobs(Buffer logits, StepOutput output) {
        HeapBuffer from = HeapBuffer.of(logits);
        Batch batch = device.batch();
        for (int r = 0; r < batch.rows(); r++) {
            device.slots().topLogprobs(device.sampler(), batch, r, from.segment(), bytes(from, r), (HostStepOutput) output);
        }
    }

    private static long bytes(HeapBuffer buffer, int row) {
        return DType.F32.bytes(buffer.row(row));
    }

    private static void same(String what, int a, int b) {
        if (a != b) throw new IllegalArgumentException(what + " differ: " + a + " and " + b);
    }
}
