package dev.skald.gpucheck;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Enumeration;
import java.util.List;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;

/**
 * A library that the bundle takes, and what of it.
 *
 * @param begins the file's name without its version
 * @param leave  beginnings of entries that stay behind
 */
record BundleJar(String begins, List<String> leave) {
    /** What loads without being asked for: everything else that the distribution has is for the doors. */
    static final List<BundleJar> ALL = List.of(
            new BundleJar("skald", List.of(
                    "META-INF/", "dev/skald/api/", "dev/skald/grpc/", "dev/skald/client/", "dev/skald/batch/", "dev/skald/openai/", "google/", "skald/")),
            new BundleJar("picocli-", List.of("META-INF/")),
            new BundleJar("jackson-core-", List.of("META-INF/")),
            new BundleJar("jackson-databind-", List.of("META-INF/")),
            new BundleJar("jackson-annotations-", List.of("META-INF/")),
            new BundleJar("slf4j-", List.of()),
            new BundleJar("tokenizers-", List.of("native/lib/")),
            new BundleJar("api-", List.of()),
            new BundleJar("gson-", List.of()),
            new BundleJar("jcuda-1", List.of()),
            new BundleJar("jcublas-1", List.of()),
            new BundleJar("jcuda-natives-", List.of("lib/libJNv", "lib/libJCudaRuntime")),
            new BundleJar("jcublas-natives-", List.of("lib/libJCublas-")));

    private static final int END = ".jar".length();

    boolean isFor(Path jar) {
        String name = jar.getFileName().toString();
        return name.length() > END && (begins.endsWith("-") || Character.isDigit(begins.charAt(begins.length() - 1)) ? name.startsWith(begins) : name.equals(begins + ".jar"));
    }

    /** Uncompressed. */
    void copy(Path from, Path to) throws IOException {
        try (ZipFile in = new ZipFile(from.toFile()); OutputStream file = Files.newOutputStream(to); ZipOutputStream out = new ZipOutputStream(file)) {
            out.setMethod(ZipOutputStream.STORED);
            for (Enumeration<? extends ZipEntry> entries = in.entries(); entries.hasMoreElements(); ) {
                ZipEntry entry = entries.nextElement();
                if (entry.isDirectory() || leave.stream().anyMatch(entry.getName()::startsWith)) continue;
                byte[] bytes;
                try (InputStream data = in.getInputStream(entry)) {
                    bytes = data.readAllBytes();
                }
                CRC32 sum = new CRC32();
                sum.update(bytes);
                ZipEntry stored = new ZipEntry(entry.getName());
                stored.setSize(bytes.length);
                stored.setCrc(sum.getValue());
                stored.setLastModifiedTime(entry.getLastModifiedTime());
                out.putNextEntry(stored);
                out.write(bytes);
                out.closeEntry();
            }
        }
    }
}
