package dev.skald.service;

import java.util.List;

/** @param ids token ids, @param pieces the vocabulary's own spelling of each */
public record TokenizedText(List<Integer> ids, List<String> pieces) {
    public TokenizedText {
        ids = List.copyOf(ids);
        pieces = List.copyOf(pieces);
    }
}
