package dev.skald.text;

import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Locale;

/**
 * Loads the native half of the Hugging Face tokenizers library, once for the process.
 *
 * <p>The library's Java side would look for a CUDA device, call home and write a cache below the user's home when its own loader runs. So
 * that loader never does: we load the file ourselves, from {@code ${skald.home}/native/}, and call the native methods directly. Its switches
 * are set all the same, for whoever else might touch it.
 *
 * <p>Without that file (tests before `package`) the copy on the class path is put into a private temporary folder, loaded and deleted again;
 * a log line says so. Any thread.
 */
final class NativeTokenizers {
    /** The folder of the distribution. */
    static final String HOME_PROPERTY = "skald.home";

    private static final System.Logger LOG = System.getLogger(NativeTokenizers.class.getName());
    private static boolean loaded;

    private NativeTokenizers() {}

    /**
     * @return the native methods, ready to be called
     * @throws TokenizerException if there is no library for this machine, or it doesn't load
     */
    static synchronized TokenizersLibrary library() {
        if (!loaded) {
            load();
            loaded = true;
        }
        return TokenizersLibrary.LIB;
    }

    private static void load() {
        String file = System.mapLibraryName("tokenizers");
        String home = System.getProperty(HOME_PROPERTY, "");
        Path installed = Path.of(home, "native", file).toAbsolutePath();
        System.setProperty("ai.djl.offline", "true");
        System.setProperty("RUST_FLAVOR", "cpu");
        if (!home.isEmpty() && Files.isRegularFile(installed)) {
            System.setProperty("RUST_LIBRARY_PATH", installed.toString());
            link(installed);
            return;
        }
        String why = home.isEmpty() ? "no " + HOME_PROPERTY + " is set" : "there is no " + installed;
        loadFromClassPath("native/lib/" + platform() + "/cpu/" + file, file, why);
    }

    private static void loadFromClassPath(String resource, String file, String why) {
        Path folder = null;
        try (InputStream in = TokenizersLibrary.class.getClassLoader().getResourceAsStream(resource)) {
            if (in == null) throw new TokenizerException("No tokenizers library: " + why + ", and the class path has no " + resource);
            folder = Files.createTempDirectory("skald-native-");
            Path copy = folder.resolve(file);
            Files.copy(in, copy, StandardCopyOption.REPLACE_EXISTING);
            LOG.log(System.Logger.Level.INFO, "The tokenizers library comes from the class path by way of {0}: {1} (`mvn package` puts it there)",
                    copy, why);
            System.setProperty("RUST_LIBRARY_PATH", copy.toString());
            link(copy);
        } catch (IOException e) {
            throw new TokenizerException("No tokenizers library: " + why + ", and the copy on the class path can't be unpacked: " + e, e);
        } finally {
            if (folder != null) delete(folder.resolve(file), folder);
        }
    }

    private static void link(Path file) {
        try {
            System.load(file.toString());
        } catch (UnsatisfiedLinkError e) {
            throw new TokenizerException("The tokenizers library " + file + " doesn't load: " + e.getMessage(), e);
        }
    }

    /** A loaded library needs its file no more; where the system disagrees, the file goes with the process. */
    private static void delete(Path... paths) {
        for (Path path : paths) {
            try {
                Files.deleteIfExists(path);
            } catch (IOException e) {
                path.toFile().deleteOnExit();
            }
        }
    }

    /** As the library's jar names its folders: {@code linux-x86_64}, {@code osx-aarch64}, … */
    static String platform() {
        String os = System.getProperty("os.name").toLowerCase(Locale.ROOT);
        String arch = System.getProperty("os.arch");
        String family = os.startsWith("mac") ? "osx" : os.startsWith("win") ? "win" : "linux";
        return family + "-" + (arch.equals("amd64") ? "x86_64" : arch);
    }
}
