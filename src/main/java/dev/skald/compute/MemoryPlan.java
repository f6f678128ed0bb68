package dev.skald.compute;

/**
 * How memory is divided, decided once before anything is allocated.
 *
 * @param freeBytes       what was free when the plan was made (the cgroup's limit counts)
 * @param weightBytes     weights
 * @param activationBytes buffers of a step
 * @param kvBytes         KV cache
 * @param kvBlocks        its blocks per group
 * @param workspaceBytes  what the device keeps for itself: tables, workspace, recorded steps; 0 where that is the host's own memory
 */
public record MemoryPlan(long freeBytes, long weightBytes, long activationBytes, long kvBytes, int kvBlocks, long workspaceBytes) {}
