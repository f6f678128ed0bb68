package dev.skald.compute;

import java.util.List;

/** The paged pool of keys and values: {@code blocks()} blocks in each group, addressed by block tables. Opaque; its layout is the device's. */
public interface KvCache {
    List<KvGroup> groups();

    int blocks();

    long bytes();
}
