package dev.skald.compute.cuda;

import static dev.skald.compute.cuda.Driver.check;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import jcuda.Pointer;
import jcuda.driver.CUfunction;
import jcuda.driver.CUfunction_attribute;
import jcuda.driver.CUmodule;
import jcuda.driver.CUresult;
import jcuda.driver.CUstream;
import jcuda.driver.JCudaDriver;

/**
 * The loaded kernels, by name, and the one block of native memory through which a launch gets its parameters: each kernel takes one structure,
 * which the driver copies before the launch returns. Fill {@link #arguments}, then {@link #launch}.
 */
final class Kernels implements AutoCloseable {
    /** Threads of every block; the kernels are written for it. */
    static final int BLOCK = 256;

    private static final int PARAMETER_BYTES = 512;
    private static final int PLACE_BYTES = 16;
    /** A block may have as much dynamic shared memory without asking. */
    private static final int SHARED_WITHOUT_ASKING = 48 * 1024;
    private static final List<String> IMAGES = List.of(".ptx", ".cubin", ".fatbin", ".sim");

    private final List<CUmodule> modules = new ArrayList<>();
    private final Map<String, CUfunction> functions = new HashMap<>();
    private final Arena arena = Arena.ofShared();
    private final MemorySegment parameters = arena.allocate(PLACE_BYTES + PARAMETER_BYTES, 16);
    private final Pointer place = new Address(parameters.address());
    private final Arguments arguments = new Arguments(parameters.asSlice(PLACE_BYTES));

    private Kernels() {
        parameters.set(ValueLayout.JAVA_LONG, 0, parameters.address() + PLACE_BYTES);
    }

    /** @throws CudaUnavailableException if the folder has no images, or the driver refuses one */
    static Kernels load(Path folder) throws CudaUnavailableException {
        Kernels kernels = new Kernels();
        try (Stream<Path> list = Files.list(folder)) {
            List<Path> images = list.filter(f -> IMAGES.stream().anyMatch(f.toString()::endsWith)).sorted().toList();
            if (images.isEmpty()) throw new CudaUnavailableException("no kernels lie in " + folder);
            for (Path image : images) kernels.add(image);
            return kernels;
        } catch (IOException e) {
            kernels.close();
            throw new CudaUnavailableException("no kernels can be read from " + folder, e);
        } catch (CudaUnavailableException e) {
            kernels.close();
            throw e;
        }
    }

    private void add(Path image) throws IOException, CudaUnavailableException {
        byte[] bytes = Files.readAllBytes(image);
        CUmodule module = new CUmodule();
        int code = JCudaDriver.cuModuleLoadData(module, Arrays.copyOf(bytes, bytes.length + 1)); // PTX is text that ends with a 0
        if (code != CUresult.CUDA_SUCCESS) {
            throw new CudaUnavailableException("the driver does not take the kernels in " + image + ": cuModuleLoadData failed with " + Driver.name(code));
        }
        modules.add(module);
    }

    /** Looked up once, kept for ever: call it where a device is made, not where it launches. */
    CUfunction function(String name) {
        return functions.computeIfAbsent(name, this::find);
    }

    private CUfunction find(String name) {
        CUfunction function = new CUfunction();
        for (CUmodule module : modules) {
            int code = JCudaDriver.cuModuleGetFunction(function, module, name);
            if (code == CUresult.CUDA_SUCCESS) return function;
            if (code != CUresult.CUDA_ERROR_NOT_FOUND) check("cuModuleGetFunction", code);
        }
        throw new IllegalStateException("no image holds the kernel " + name);
    }

    /** Lets a kernel's blocks have so much dynamic shared memory. */
    void allowShared(CUfunction function, int bytes) {
        if (bytes <= SHARED_WITHOUT_ASKING) return;
        check("cuFuncSetAttribute",
                JCudaDriver.cuFuncSetAttribute(function, CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, bytes));
    }

    /** Where the next launch's structure is written. */
    Arguments arguments() {
        return arguments;
    }

    /** Enqueues; nothing if the grid is empty. @param shared bytes of dynamic shared memory */
    void launch(CUfunction function, int x, int y, int z, int shared, CUstream stream) {
        if (x == 0 || y == 0 || z == 0) return;
        check("cuLaunchKernel", JCudaDriver.cuLaunchKernel(function, x, y, z, BLOCK, 1, 1, shared, stream, place, null));
    }

    @Override
    public void close() {
        modules.forEach(JCudaDriver::cuModuleUnload);
        modules.clear();
        arena.close();
    }
}
