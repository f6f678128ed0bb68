package dev.skald.gpucheck;

import dev.skald.boot.Distribution;
import dev.skald.boot.ModelFolder;
import dev.skald.compute.cuda.CudaCard;
import dev.skald.compute.cuda.CudaSettings;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * Where a check runs.
 *
 * @param home      folder of the distribution
 * @param simulated the CUDA driver is the software device: everything is made small, and nothing that is measured says anything of a card
 * @param out       folder for whatever a part leaves
 */
record Surroundings(Path home, boolean simulated, Path out) {
    static Surroundings of(Path home, Path out) {
        return new Surroundings(home.toAbsolutePath().normalize(), CudaCard.simulated(), out.toAbsolutePath().normalize());
    }

    CudaSettings cuda(boolean batchInvariant) {
        return new CudaSettings(0, batchInvariant, Distribution.cudaKernels());
    }

    Path model() {
        return ModelFolder.find(Optional.empty());
    }

    /** Folder with skald-mini's gauge: cases and what is expected. */
    Path gauge() {
        return home.resolve("gauge");
    }

    /** The software device that the build made, to compare the card with. */
    Optional<Path> softwareDevice() {
        return List.of(home.resolve("simcuda"), home.resolveSibling("simcuda")).stream()
                .filter(folder -> Files.exists(folder.resolve("libcuda.so.1")) && Files.isDirectory(folder.resolve("kernels")))
                .findFirst();
    }
}
