package dev.skald.compute.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class WorkerPoolTest {
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 5})
    void everyItemOfEveryTaskRunsOnce(int threads) {
        try (WorkerPool pool = new WorkerPool(threads)) {
            pool.beginStep();
            for (int items = 0; items < 400; items++) {
                AtomicIntegerArray runs = new AtomicIntegerArray(items);
                pool.run((item, worker) -> runs.incrementAndGet(item), items);
                for (int i = 0; i < items; i++) assertEquals(1, runs.get(i), "item " + i + " of " + items);
            }
            pool.endStep();
        }
    }

    @Test
    void whatWorkersWroteIsSeenWhenTheTaskIsOver() {
        try (WorkerPool pool = new WorkerPool(3)) {
            int[] cells = new int[997];
            for (int round = 1; round <= 2000; round++) {
                int value = round;
                pool.run((item, worker) -> cells[item] += value - cells[item], cells.length);
                for (int cell : cells) assertEquals(round, cell);
            }
        }
    }

    @Test
    void allThreadsTakePartAndTheCallingOneIsWorkerZero() {
        try (WorkerPool pool = new WorkerPool(3)) {
            Set<Integer> seen = ConcurrentHashMap.newKeySet();
            CountDownLatch everyone = new CountDownLatch(3);
            Thread caller = Thread.currentThread();
            pool.run(
                    (item, worker) -> {
                        seen.add(worker);
                        assertEquals(worker == 0, Thread.currentThread() == caller);
                        everyone.countDown();
                        await(everyone); // so that nobody can take two
                    },
                    3);
            assertEquals(Set.of(0, 1, 2), seen);
        }
    }

    @Test
    void whatAnItemThrowsReachesTheCallerAfterAllOthersHaveRun() {
        try (WorkerPool pool = new WorkerPool(3)) {
            for (int failing = 0; failing < 50; failing++) {
                int bad = failing;
                AtomicIntegerArray runs = new AtomicIntegerArray(50);
                IllegalStateException boom = new IllegalStateException("item " + bad);
                IllegalStateException caught = assertThrows(
                        IllegalStateException.class,
                        () -> pool.run(
                                (item, worker) -> {
                                    runs.incrementAndGet(item);
                                    if (item == bad) throw boom;
                                },
                                50));
                assertSame(boom, caught);
                for (int i = 0; i < 50; i++) assertEquals(1, runs.get(i));
                pool.run((item, worker) -> {}, 50); // the next task knows nothing of it
            }
        }
    }

    @Test
    void anErrorIsNotWrapped() {
        try (WorkerPool pool = new WorkerPool(2)) {
            AssertionError boom = new AssertionError("broken");
            assertSame(boom, assertThrows(AssertionError.class, () -> pool.run((item, worker) -> { if (item == 7) throw boom; }, 9)));
        }
    }

    @Test
    void workersParkBetweenStepsAndWakeForWork() {
        try (WorkerPool pool = new WorkerPool(3)) {
            for (int round = 0; round < 20; round++) {
                eventually("workers park", () -> workers().stream().allMatch(t -> t.getState() == Thread.State.WAITING));
                boolean inStep = round % 2 == 0;
                if (inStep) pool.beginStep();
                CountDownLatch everyone = new CountDownLatch(3);
                pool.run(
                        (item, worker) -> {
                            everyone.countDown();
                            await(everyone);
                        },
                        3);
                if (inStep) pool.endStep();
            }
        }
    }

    @Test
    void closingEndsTheThreads() {
        WorkerPool pool = new WorkerPool(4);
        List<Thread> threads = workers();
        assertEquals(3, threads.size());
        pool.close();
        for (Thread thread : threads) assertFalse(thread.isAlive());
        pool.close();
    }

    @Test
    void chunksAreNoLargerThanTheWorkAndNoOperationIsCutBelowItsWorth() {
        assertEquals(10, Chunks.size(10, 1, 4)); // 10 ns: alone
        assertEquals(1, Chunks.size(64, 1e6, 4));
        assertEquals(1000, Chunks.size(1000, 1e6, 1));
        assertEquals(40, Chunks.size(1_000_000, 1000, 2)); // 40 µs
        assertEquals(4, Chunks.size(16, 1000, 8)); // 4 µs at least
        assertEquals(1, Chunks.size(0, 5, 2));
    }

    private static List<Thread> workers() {
        return Thread.getAllStackTraces().keySet().stream().filter(t -> t.getName().startsWith("skald-compute-")).toList();
    }

    private static void await(CountDownLatch latch) {
        try {
            assertTrue(latch.await(PATIENCE.toSeconds(), TimeUnit.SECONDS));
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void eventually(String what, BooleanSupplier condition) {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() > deadline) throw new AssertionError("not in " + PATIENCE + ": " + what);
            Thread.onSpinWait();
        }
    }
}
