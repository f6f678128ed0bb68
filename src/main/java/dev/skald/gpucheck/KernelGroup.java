package dev.skald.gpucheck;

import dev.skald.tensor.DType;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** Calls of related operations on given inputs; the same on every device, so that what comes out can be compared. */
interface KernelGroup {
    /** Of the widest gap that f32 leaves near 1, half. */
    double HALF_UNIT = 0x1p-24;

    String name();

    OpsRig.Room room();

    /** @throws dev.skald.compute.DeviceLostException and whatever else the device throws */
    void run(OpsRig rig, Outputs outputs);

    /** Whether outputs are defined to the bit by {@link #define}, rather than by the reference device within bounds. */
    default boolean isDefined() {
        return false;
    }

    /** The outputs of {@link #run} by their definition, in the same order. */
    default void define(Outputs outputs) {
        throw new IllegalStateException(name() + " is defined by the reference device");
    }

    /**
     * What a call left.
     *
     * @param kernel what computed it, for the table
     * @param what   the case: shapes, rows, types
     * @param bound  most that an element may differ from the reference; 0: the bits are the same
     * @param values in the order of the buffer, [rows, cols]
     */
    record Output(String kernel, String what, double bound, float[] values) {}

    /** Takes outputs in the order of the calls. */
    final class Outputs {
        private final List<Output> all = new ArrayList<>();

        void add(String kernel, String what, double bound, float[] values) {
            all.add(new Output(kernel, what, bound, values));
        }

        List<Output> all() {
            return all;
        }
    }

    /**
     * All groups, those of weights in each type that {@code supported} names.
     *
     * @param sample one of each kind only: for the software device, on which all of them take half a minute
     */
    static List<KernelGroup> all(List<DType> supported, boolean sample) {
        if (sample) return sample(supported);
        Stream<KernelGroup> linear = supported.stream().map(LinearGroup::new);
        Stream<KernelGroup> attention = Stream.of(DType.F16, DType.BF16, DType.F32).flatMap(AttentionGroup::all);
        return Stream.<Stream<? extends KernelGroup>>of(Stream.of(new RowsGroup()), linear, attention, SamplingGroup.all()).<KernelGroup>flatMap(s -> s).toList();
    }

    private static List<KernelGroup> sample(List<DType> supported) {
        List<KernelGroup> groups = new ArrayList<>(List.of(new RowsGroup()));
        Stream.of(DType.BF16, DType.Q8_0, DType.Q4_K).filter(supported::contains).map(LinearGroup::new).forEach(groups::add);
        groups.add(AttentionGroup.all(DType.F16).findFirst().orElseThrow());
        groups.add(SamplingGroup.all().toList().get(2));
        return groups;
    }
}
