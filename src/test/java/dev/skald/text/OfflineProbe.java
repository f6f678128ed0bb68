package dev.skald.text;

import java.nio.file.Path;
import java.util.Arrays;

/** Main program of the JVM that {@link TokenizerOfflineTest} watches: one tokenizer, each of its methods that go to the library. */
final class OfflineProbe {
    private OfflineProbe() {}

    public static void main(String[] args) {
        Tokenizer tokenizer = Tokenizer.load(Path.of(args[0]));
        int[] ids = tokenizer.encode("the sea <|im_end|>", true);
        int[] plain = tokenizer.encodePlain("the sea <|im_end|>");
        System.out.println(tokenizer.decode(ids, true) + "|" + tokenizer.decodeNatively(ids, true) + "|" + Arrays.stream(ids).anyMatch(tokenizer::isSpecial)
                + "|" + Arrays.stream(plain).anyMatch(tokenizer::isSpecial));
    }
}
