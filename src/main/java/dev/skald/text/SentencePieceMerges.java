package dev.skald.text;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;

/**
 * Sentencepiece's BPE joins the neighbours whose union has the best score; Hugging Face's follows a list of pairs. So every way to put a piece
 * together from two others is a pair, ordered by the piece's score.
 */
final class SentencePieceMerges {
    /** The longest are runs of spaces, of some dozens; bounds the work on a hostile vocabulary. */
    private static final int MAX_PIECE_CHARS = 1024;

    private SentencePieceMerges() {}

    record Merge(String left, String right, float score, int leftId, int rightId) {}

    /** @param ids of each spelling @return most urgent first: by score, then longer left and right parts, then piece by piece */
    static List<Merge> of(Vocabulary vocabulary, Vocabulary.SentencePiece model, Map<String, Integer> ids) {
        List<Merge> merges = new ArrayList<>();
        for (int id = 0; id < vocabulary.pieces().size(); id++) {
            boolean text = switch (vocabulary.kinds().get(id)) {
                case NORMAL, USER_DEFINED -> true;
                case UNKNOWN, CONTROL, UNUSED, BYTE -> false;
            };
            if (text) merges.addAll(of(vocabulary.pieces().get(id), model.scores().get(id), vocabulary, ids));
        }
        merges.sort(Comparator.comparingDouble((Merge m) -> m.score)
                .thenComparingInt(m -> m.left.codePointCount(0, m.left.length()))
                .thenComparingInt(m -> m.right.codePointCount(0, m.right.length()))
                .reversed());
        return merges;
    }

    private static List<Merge> of(String piece, float score, Vocabulary vocabulary, Map<String, Integer> ids) {
        if (piece.length() > MAX_PIECE_CHARS) {
            throw new TokenizerException(vocabulary.where() + " has a token of " + piece.length() + " characters, more than " + MAX_PIECE_CHARS);
        }
        List<Merge> ways = new ArrayList<>();
        for (int cut = piece.offsetByCodePoints(0, piece.isEmpty() ? 0 : 1); cut < piece.length(); cut = piece.offsetByCodePoints(cut, 1)) {
            Integer left = ids.get(piece.substring(0, cut));
            Integer right = ids.get(piece.substring(cut));
            if (left != null && right != null) ways.add(new Merge(piece.substring(0, cut), piece.substring(cut), score, left, right));
        }
        ways.sort(Comparator.comparingInt(Merge::leftId).thenComparingInt(Merge::rightId));
        return ways;
    }
}
