package dev.skald.gpucheck;

import dev.skald.compute.cuda.CudaCard;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.function.DoubleSupplier;

/** The card's own limits, to hold the rates of models against. */
final class CardPart implements Part {
    private static final long BYTES = 2L << 30;
    private static final long BUS_BYTES = 256L << 20;
    private static final int ROUNDS = 20_000;
    private static final int SIDE = 8192;
    /** The software device shows that the measurement itself is right. */
    private static final int SMALL = 512;

    @Override
    public String name() {
        return "card";
    }

    @Override
    public String about() {
        return "The card's own limits: memory, bus and bf16 products";
    }

    @Override
    public int limitSeconds() {
        return 90;
    }

    @Override
    public void run(Surroundings surroundings, Results results) throws Exception {
        boolean small = surroundings.simulated();
        try (CudaCard card = CudaCard.open(surroundings.cuda(false))) {
            add(results, "read", "gb_per_s", () -> card.readGigabytes(small ? BYTES / (4 * SMALL) : BYTES));
            add(results, "copy, read and written together", "gb_per_s", () -> card.copyGigabytes(small ? BYTES / SMALL : BYTES));
            add(results, "upload from pinned memory", "gb_per_s", () -> card.uploadGigabytes(small ? BUS_BYTES / SMALL : BUS_BYTES));
            add(results, "download to pinned memory", "gb_per_s", () -> card.downloadGigabytes(small ? BUS_BYTES / SMALL : BUS_BYTES));
            add(results, "bf16 products, mma.sync from registers", "tera_operations_per_s", () -> card.productTeras(small ? 4 : ROUNDS));
            OptionalDouble cublas = card.cublasTeras(small ? 64 : SIDE);
            if (cublas.isPresent()) add(results, "bf16 products, cuBLAS", "tera_operations_per_s", cublas::getAsDouble);
            else results.add(Result.skipped("bf16 products, cuBLAS", "there is no libcublas.so.12"));
        }
    }

    /** Read bandwidth alone, in 10⁹ bytes per second, for a part that sets its own numbers against it. */
    static double readGigabytes(Surroundings surroundings) throws Exception {
        try (CudaCard card = CudaCard.open(surroundings.cuda(false))) {
            return card.readGigabytes(surroundings.simulated() ? BYTES / (4 * SMALL) : BYTES);
        }
    }

    /** Operations per second, 10¹², of whichever is faster: cuBLAS or our own instructions. */
    static double productTeras(Surroundings surroundings) throws Exception {
        boolean small = surroundings.simulated();
        try (CudaCard card = CudaCard.open(surroundings.cuda(false))) {
            return Math.max(card.productTeras(small ? 4 : ROUNDS), card.cublasTeras(small ? 64 : SIDE).orElse(0));
        }
    }

    private static void add(Results results, String name, String unit, DoubleSupplier measure) {
        results.add(Result.measured(name, Map.of(unit, Result.round(measure.getAsDouble()))));
    }
}
