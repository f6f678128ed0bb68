package dev.skald.boot;

import java.nio.file.Path;
import java.util.Optional;

/** Folders of the distribution that runs, as its launcher names it. */
public final class Distribution {
    private static final String HOME_PROPERTY = "skald.home";
    /** Folder with the images of the CUDA kernels, where it is another than the distribution's own. */
    private static final String CUDA_KERNELS_PROPERTY = "skald.cuda.kernels";

    private Distribution() {}

    /** Where native libraries lie; empty where classes run without a distribution. */
    public static Optional<Path> nativeFolder() {
        String home = System.getProperty(HOME_PROPERTY, "");
        return home.isEmpty() ? Optional.empty() : Optional.of(Path.of(home, "native"));
    }

    /** Where the images of the CUDA kernels lie. */
    public static Path cudaKernels() {
        String folder = System.getProperty(CUDA_KERNELS_PROPERTY, "");
        return folder.isEmpty() ? Path.of(System.getProperty(HOME_PROPERTY, ""), "native", "cuda") : Path.of(folder);
    }
}
