package dev.skald.compute.cuda;

import dev.skald.compute.DeviceLostException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.SymbolLookup;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import jcuda.driver.CUresult;
import jcuda.driver.JCudaDriver;
import jcuda.jcublas.JCublas2;

/** Loads JCuda's libraries, and turns the driver's codes into exceptions that name the call and the code. */
final class Driver {
    private static final String TEMPORARY = "java.io.tmpdir";
    /** Codes that say something of one call. After any other, such as an illegal address, every call fails for the rest of the process. */
    private static final Set<Integer> OF_ONE_CALL = Set.of(
            CUresult.CUDA_ERROR_INVALID_VALUE,
            CUresult.CUDA_ERROR_OUT_OF_MEMORY,
            CUresult.CUDA_ERROR_INVALID_IMAGE,
            CUresult.CUDA_ERROR_NO_BINARY_FOR_GPU,
            CUresult.CUDA_ERROR_INVALID_PTX,
            CUresult.CUDA_ERROR_UNSUPPORTED_PTX_VERSION,
            CUresult.CUDA_ERROR_NOT_FOUND,
            CUresult.CUDA_ERROR_NOT_SUPPORTED,
            CUresult.CUDA_ERROR_INVALID_HANDLE,
            CUresult.CUDA_ERROR_INVALID_DEVICE,
            CUresult.CUDA_ERROR_NO_DEVICE,
            CUresult.CUDA_ERROR_INVALID_CONTEXT);

    private static boolean loaded;

    private Driver() {}

    /** @throws CudaUnavailableException if this machine has no NVIDIA driver, or JCuda does not support it */
    static synchronized void load() throws CudaUnavailableException {
        if (loaded) return;
        if (!hasLibrary("libcuda.so.1")) {
            throw new CudaUnavailableException("no NVIDIA driver is installed (libcuda.so.1 was not found)");
        }
        withPrivateTemporaries(() -> JCudaDriver.setExceptionsEnabled(false), "JCuda");
        loaded = true;
    }

    /** @return whether cuBLAS is there; without it our own kernels do everything */
    static synchronized boolean loadCublas() {
        if (!hasLibrary("libcublas.so.12")) return false;
        try {
            withPrivateTemporaries(() -> JCublas2.setExceptionsEnabled(false), "JCublas");
            return true;
        } catch (CudaUnavailableException e) {
            return false;
        }
    }

    /** Throws unless the code is 0. @param call the driver's function, as it is called in CUDA */
    static void check(String call, int code) {
        if (code == CUresult.CUDA_SUCCESS) return;
        String sentence = call + " failed with " + name(code);
        if (OF_ONE_CALL.contains(code)) throw new CudaCallException(sentence, code);
        throw new DeviceLostException("the CUDA device is lost: " + sentence);
    }

    /** e.g. "CUDA_ERROR_ILLEGAL_ADDRESS (700)". */
    static String name(int code) {
        return CUresult.stringFor(code) + " (" + code + ")";
    }

    private static boolean hasLibrary(String name) {
        try (Arena arena = Arena.ofConfined()) {
            SymbolLookup.libraryLookup(name, arena);
            return true;
        } catch (IllegalArgumentException e) {
            return false;
        }
    }

    /** JCuda unpacks its libraries to fixed names in a folder for all; this gives it one that nobody else can write to, and clears it after. */
    private static void withPrivateTemporaries(Runnable load, String what) throws CudaUnavailableException {
        String shared = System.getProperty(TEMPORARY);
        try {
            Path own = Files.createTempDirectory("skald-cuda");
            System.setProperty(TEMPORARY, own.toString());
            try {
                load.run();
            } finally {
                System.setProperty(TEMPORARY, shared);
                clear(own);
            }
        } catch (LinkageError e) {
            throw new CudaUnavailableException(what + " can't be loaded on this platform: " + e.getMessage().lines().findFirst().orElse(""), e);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void clear(Path folder) throws IOException {
        List<Path> files;
        try (Stream<Path> list = Files.list(folder)) {
            files = list.toList();
        }
        for (Path file : files) Files.delete(file);
        Files.delete(folder);
    }
}
