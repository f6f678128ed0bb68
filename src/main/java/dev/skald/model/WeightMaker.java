package dev.skald.model;

import dev.skald.compute.Weight;
import dev.skald.compute.WeightRole;
import java.util.List;

/** Makes weights out of a checkpoint's tensors, given by name. One thread. */
interface WeightMaker extends AutoCloseable {
    /**
     * @param roles one or more that the same tensors have; a vector has no other role beside it
     * @param names of tensors that are stacked in this order
     * @return a weight for each role
     */
    List<Weight> make(List<WeightRole> roles, List<String> names);

    @Override
    void close();
}
