package dev.skald.weights;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * {@code model.safetensors.index.json} or {@code pytorch_model.bin.index.json}: which shard holds which tensor.
 *
 * @param shards file name by tensor name; each a plain name, so that no file outside the folder is reached
 */
record ShardIndex(Map<String, String> shards) {
    /**
     * @param ending of the shards' names, e.g. ".safetensors"
     * @throws CheckpointException if it can't be read, is malformed, or names a file outside its folder
     */
    static ShardIndex read(Path path, String ending) {
        Map<String, String> shards = new LinkedHashMap<>();
        boolean mapped = false;
        try (StrictJson json = new StrictJson(bytes(path))) {
            json.beginObject();
            while (json.nextKey()) {
                if (!json.key().equals("weight_map")) {
                    json.skipValue();
                    continue;
                }
                mapped = true;
                json.beginObject();
                while (json.nextKey()) put(shards, path, ending, json.key(), json.string());
            }
            json.end();
        } catch (IOException e) {
            throw new CheckpointException(path + " is damaged: " + StrictJson.describe(e), e);
        }
        if (!mapped || shards.isEmpty()) throw new CheckpointException(path + " has no weight_map");
        return new ShardIndex(shards);
    }

    private static byte[] bytes(Path path) throws IOException {
        if (Files.size(path) > SafetensorsHeader.MAX_BYTES) throw new IOException("it is larger than " + SafetensorsHeader.MAX_BYTES + " bytes");
        return Files.readAllBytes(path);
    }

    private static void put(Map<String, String> shards, Path index, String ending, String tensor, String file) throws IOException {
        boolean plain = file.endsWith(ending)
                && file.chars().noneMatch(c -> c == '/' || c == '\\' || c == ':' || c < ' ');
        if (!plain) {
            throw new CheckpointException(index + " puts tensor " + tensor + " into '" + file + "', which is not a " + ending
                    + " file of the same folder");
        }
        if (shards.size() == SafetensorsHeader.MAX_TENSORS) {
            throw new IOException("it has more than " + SafetensorsHeader.MAX_TENSORS + " tensors");
        }
        shards.put(tensor, file);
    }
}
