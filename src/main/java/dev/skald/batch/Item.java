package dev.skald.batch;

import dev.skald.openai.Task;

/** One line on its way through the job. Belongs to the job's thread. */
final class Item {
    final int line;
    final String customId;
    final Task task;
    /** Lines with equal beginnings stand together in this order. */
    final String prefix;
    /** Its place among the lines that are to be done; −1 for none. */
    long place = -1;
    /** Begun so far. */
    int attempts;
    /** Times that its server, or the program, died with it under way. */
    int deaths;
    /** The same, with nothing else under way. */
    int deathsAlone;
    /** Refused or failed in ways that another try may mend. */
    int failures;

    Item(int line, String customId, Task task, String prefix) {
        this.line = line;
        this.customId = customId;
        this.task = task;
        this.prefix = prefix;
    }

    int weight() {
        return task.sequences();
    }
}
