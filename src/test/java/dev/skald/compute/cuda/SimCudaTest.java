package dev.skald.compute.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.SymbolLookup;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.TreeSet;
import jcuda.driver.CUdeviceptr;
import jcuda.driver.CUevent;
import jcuda.driver.CUresult;
import jcuda.driver.CUstream;
import jcuda.driver.JCudaDriver;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The software device itself: a test that passes on it proves little if it is kinder than a real one. */
class SimCudaTest {
    @BeforeEach
    void needsTheDevice() throws CudaUnavailableException {
        SimCuda.use();
        Driver.load();
        JCudaDriver.cuInit(0);
    }

    /** A function that is missing would end the JVM. */
    @Test
    void everyFunctionThatJcudaCallsIsThere(@TempDir Path folder) throws IOException, InterruptedException {
        for (String[] pair : new String[][] {{"JCudaDriver", "libcuda.so.1"}, {"JCublas2", "libcublas.so.12"}}) {
            Path library = folder.resolve(pair[0]);
            try (InputStream in = JCudaDriver.class.getResourceAsStream("/lib/lib" + pair[0] + "-12.6.0-linux-x86_64.so")) {
                Files.copy(in, library, StandardCopyOption.REPLACE_EXISTING);
            }
            Process nm = new ProcessBuilder("nm", "-D", "--undefined-only", library.toString()).start();
            List<String> wanted = new String(nm.getInputStream().readAllBytes(), StandardCharsets.UTF_8).lines()
                    .map(line -> line.strip().replaceFirst("^\\w ", "").replaceFirst("@.*", ""))
                    .filter(name -> name.matches("cu[A-Z].*|cublas.*"))
                    .toList();
            assertEquals(0, nm.waitFor());
            assertTrue(wanted.size() > 300, wanted.size() + " functions of " + pair[0]);
            SymbolLookup lookup = SymbolLookup.libraryLookup(SimCuda.folder().resolve(pair[1]), Arena.global());
            TreeSet<String> missing = new TreeSet<>();
            for (String name : wanted) if (lookup.find(name).isEmpty()) missing.add(name);
            assertTrue(missing.isEmpty(), pair[1] + " has no " + missing);
        }
    }

    @Test
    void whatIsNotImplementedSaysSo() {
        assertEquals(CUresult.CUDA_ERROR_NOT_SUPPORTED, JCudaDriver.cuProfilerStart());
    }

    /** Who forgets to wait reads what was there before. */
    @Test
    void workOfAStreamRunsWhenSomebodyWaitsForIt() {
        try (CudaMemory memory = new CudaMemory()) {
            CUstream stream = new CUstream();
            CUevent event = new CUevent();
            JCudaDriver.cuStreamCreate(stream, 0);
            JCudaDriver.cuEventCreate(event, 0);
            var host = memory.pinned(8);
            host.set(java.lang.foreign.ValueLayout.JAVA_LONG, 0, 1);
            DeviceAddress device = memory.allocate(8, "a test");
            JCudaDriver.cuMemsetD8Async(device, (byte) 7, 8, stream);
            JCudaDriver.cuMemcpyDtoHAsync(new Address(host.address()), device, 8, stream);
            JCudaDriver.cuEventRecord(event, stream);
            assertEquals(1, host.get(java.lang.foreign.ValueLayout.JAVA_LONG, 0));
            assertEquals(CUresult.CUDA_ERROR_NOT_READY, JCudaDriver.cuEventQuery(event));
            JCudaDriver.cuEventSynchronize(event);
            assertEquals(0x0707070707070707L, host.get(java.lang.foreign.ValueLayout.JAVA_LONG, 0));
            JCudaDriver.cuStreamDestroy(stream);
        }
    }

    @Test
    void aCopyBeyondAnAllocationIsRefused() {
        try (CudaMemory memory = new CudaMemory()) {
            DeviceAddress device = memory.allocate(16, "a test");
            var host = memory.pinned(32);
            assertEquals(CUresult.CUDA_ERROR_INVALID_VALUE, JCudaDriver.cuMemcpyHtoD(device, new Address(host.address()), 17));
            assertEquals(CUresult.CUDA_ERROR_INVALID_VALUE, JCudaDriver.cuMemcpyHtoD(new CUdeviceptr(), new Address(host.address()), 1));
            assertEquals(CUresult.CUDA_SUCCESS, JCudaDriver.cuMemcpyHtoD(device, new Address(host.address()), 16));
        }
    }
}
