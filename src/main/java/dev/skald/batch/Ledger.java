package dev.skald.batch;

import dev.skald.batch.CustomIds.Told;
import java.io.IOException;
import java.util.BitSet;

/**
 * What is done: the output, the error file, and which lines stand in either. Belongs to the job's thread; other threads may ask
 * {@link #isDone} for lines that were done before they were started.
 */
final class Ledger implements AutoCloseable {
    private final LineIndex index;
    private final boolean strict;
    private RecordLog output;
    private RecordLog errors;
    private final BitSet before = new BitSet();
    private int answered;
    private int failed;
    private int strangers;

    /** @param strict whether a record of a line that the input doesn't have is an error */
    private Ledger(LineIndex index, boolean strict) {
        this.index = index;
        this.strict = strict;
    }

    /** Opens both files, repairs their ends, and reads what they hold. @throws BatchException for records that can't be this job's */
    static Ledger open(BatchFiles files, LineIndex index, Journal.Checkpoint durable, boolean strict) throws IOException {
        Ledger ledger = new Ledger(index, strict);
        try {
            ledger.output = RecordLog.open(files.output(), durable.outputBytes(), ledger::hasAnswer);
            ledger.errors = RecordLog.open(files.errors(), durable.errorBytes(), ledger::hasError);
            return ledger;
        } catch (IOException | RuntimeException e) {
            ledger.close();
            throw e;
        }
    }

    private void hasAnswer(Told told) {
        int line = told.customId().map(id -> index.lineOf(IdHash.of(id))).orElse(0);
        if (line == 0) {
            stranger("the output holds an answer to " + told.customId().orElse("line " + told.line()) + ", which the input doesn't have");
        } else if (before.get(line)) {
            stranger("the output holds " + told.customId().orElse("") + " twice");
        } else {
            before.set(line);
            answered++;
        }
    }

    private void hasError(Told told) {
        int line = told.line();
        if (!index.isFilled(line)) {
            stranger("the error file holds line " + line + ", which the input doesn't have");
        } else if (!before.get(line)) {
            before.set(line);
            failed++;
        }
        // Else it was tried once more, and answered: then the answer counts.
    }

    private void stranger(String sentence) {
        if (strict) throw new BatchException(BatchException.Kind.REFUSED, sentence + "; --force keeps it and goes on");
        strangers++;
    }

    /** Whether the line stood in a file when this run began. */
    boolean isDone(int line) {
        return before.get(line);
    }

    void answer(byte[] record) throws IOException {
        output.append(record);
        answered++;
    }

    /** An answer that comes before the lines are read: nobody is to run that line again. */
    void answerEarly(int line, byte[] record) throws IOException {
        answer(record);
        before.set(line);
    }

    void errorEarly(int line, byte[] record) throws IOException {
        error(record);
        before.set(line);
    }

    void error(byte[] record) throws IOException {
        errors.append(record);
        failed++;
    }

    RecordLog output() {
        return output;
    }

    RecordLog errors() {
        return errors;
    }

    /** Records in the output. */
    int answered() {
        return answered;
    }

    /** Records in the error file. */
    int failed() {
        return failed;
    }

    /** Records that were kept though they belong to no line. */
    int strangers() {
        return strangers;
    }

    @Override
    public void close() throws IOException {
        if (output != null) output.close();
        if (errors != null) errors.close();
    }
}
