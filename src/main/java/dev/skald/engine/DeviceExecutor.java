package dev.skald.engine;

import dev.skald.compute.Batch;
import dev.skald.compute.BatchLimits;
import dev.skald.compute.Device;
import dev.skald.compute.StepOutput;
import dev.skald.schedule.StepPlan;
import java.util.function.Consumer;

/**
 * Runs steps on a device: writes each plan into one of a ring of batch blocks, uploads it and has the model enqueue its operations. On a device
 * whose work goes on by itself that happens at submission; on one that computes inside the calls it happens when the step is awaited, so that
 * submitting never waits there either. Belongs to the engine thread.
 */
public final class DeviceExecutor implements Executor {
    private final Device device;
    private final Consumer<StepOutput> model;
    private final Batch[] batches;
    private final StepOutput[] outputs;
    private final StepPlan[] plans;
    private final long[] ids;

    /**
     * @param device    started with these limits
     * @param model     enqueues all operations of a step on the batch uploaded last, with where its results go
     * @param inFlight  steps that may be under way at once
     */
    public DeviceExecutor(Device device, Consumer<StepOutput> model, BatchLimits limits, int inFlight) {
        if (inFlight < 1) throw new IllegalArgumentException(inFlight + " steps in flight");
        this.device = device;
        this.model = model;
        batches = new Batch[inFlight];
        outputs = new StepOutput[inFlight];
        plans = new StepPlan[inFlight];
        ids = new long[inFlight];
        for (int i = 0; i < inFlight; i++) {
            batches[i] = device.batch(limits);
            outputs[i] = device.output(limits);
        }
        device.prepare(model, outputs[0]);
    }

    /** As many steps in flight as the device can make use of: two if its work goes on by itself, else one. */
    public static DeviceExecutor of(Device device, Consumer<StepOutput> model, BatchLimits limits) {
        return new DeviceExecutor(device, model, limits, device.asynchronous() ? 2 : 1);
    }

    @Override
    public void submit(StepPlan plan) {
        int place = place(plan.id());
        if (ids[place] != 0) throw new IllegalStateException("step " + plan.id() + " is one more than may be in flight");
        ids[place] = plan.id();
        plans[place] = plan;
        if (device.asynchronous()) enqueue(place);
    }

    @Override
    public StepOutput await(long stepId) {
        int place = place(stepId);
        if (ids[place] != stepId) throw new IllegalStateException("step " + stepId + " was not submitted");
        if (!device.asynchronous()) enqueue(place);
        device.await(outputs[place]);
        ids[place] = 0;
        return outputs[place];
    }

    @Override
    public int maxInFlight() {
        return batches.length;
    }

    private int place(long stepId) {
        return (int) (stepId % batches.length);
    }

    private void enqueue(int place) {
        StepPlan plan = plans[place];
        for (int i = 0; i < plan.setups().size(); i++) device.setSlot(plan.setups().get(i).slot(), plan.setups().get(i).setup());
        fill(batches[place], plan);
        device.upload(batches[place]);
        device.step(model, outputs[place]);
    }

    private static void fill(Batch batch, StepPlan plan) {
        batch.clear();
        for (int c = 0; c < plan.tableChanges(); c++) batch.tableChange(plan.changeSlot(c), plan.changeIndex(c), plan.changeBlock(c));
        for (int c = 0; c < plan.blockCopies(); c++) batch.copyBlock(plan.copySource(c), plan.copyTarget(c));
        for (int s = 0; s < plan.sequences(); s++) {
            batch.beginSequence(plan.slot(s), plan.contextLength(s));
            int first = plan.firstToken(s);
            for (int t = first; t < plan.firstToken(s + 1); t++) batch.token(plan.tokenId(t), plan.firstPosition(s) + t - first);
        }
        for (int r = 0; r < plan.rows(); r++) batch.row(plan.rowToken(r), plan.rowSlot(r), plan.rowTarget(r), plan.rowTop(r));
    }
}
