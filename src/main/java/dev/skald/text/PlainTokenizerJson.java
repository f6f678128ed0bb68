package dev.skald.text;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Writes the tokenizer.json of the second tokenizer, for which no text that anybody writes is a special token: each of them is respelt as
 * a mark, two noncharacters around a number. Text for it has such marks where a special token is meant, and only we put marks into text.
 *
 * <p>Marks rather than one tokenizer call for each piece between special tokens: what the library does around an added token (prefix spaces
 * only at the very start, white space swallowed, merges that stop there) then happens by itself, and ids are those of the ordinary
 * tokenizer. Where the vocabulary spells a special token too it is respelt as well, or Unigram and word models would still find it.
 */
final class PlainTokenizerJson {
    static final int OPEN = 0x10FFFE;
    static final int CLOSE = 0x10FFFF;

    private PlainTokenizerJson() {}

    /** The text that stands for special token {@code id}. */
    static String mark(int id) {
        return Character.toString(OPEN) + id + Character.toString(CLOSE);
    }

    /** Text of others, in which nothing can be taken for a mark. */
    static String withoutMarks(String text) {
        String open = Character.toString(OPEN);
        return text.contains(open) ? text.replace(open, "\uFFFD") : text;
    }

    /** @return a tokenizer.json */
    static String write(TokenizerFile file) throws IOException {
        String text = file.text();
        if (file.addedSpan().end() == 0) return text;
        Map<String, String> marks = new HashMap<>();
        for (AddedToken token : file.added()) if (token.special()) marks.put(token.content(), mark(token.id()));
        List<Edit> edits = new ArrayList<>();
        edits.add(new Edit(file.addedSpan(), respeltTokens(text.substring(file.addedSpan().start(), file.addedSpan().end()), marks)));
        for (TokenizerFile.Spelling spelling : file.specialInVocabulary()) {
            if (!respellable(spelling.content(), file)) continue;
            edits.add(edit(text, spelling, marks));
            TokenizerFile.Spelling unknown = file.unknown();
            if (unknown.start() >= 0 && unknown.content().equals(spelling.content())) edits.add(edit(text, unknown, marks));
        }
        edits.sort(Comparator.comparingInt(edit -> edit.span.start()));
        return apply(text, edits);
    }

    /** A token that is one character or takes part in merges is ordinary text as well; the vocabulary needs it as it is. */
    private static boolean respellable(String content, TokenizerFile file) {
        return content.codePointCount(0, content.length()) > 1 && !file.specialInMerges().contains(content);
    }

    private static String respeltTokens(String array, Map<String, String> marks) throws IOException {
        ArrayNode tokens = (ArrayNode) TokenizerFile.JSON.readTree(array);
        for (JsonNode node : tokens) {
            String mark = marks.get(node.path("content").asText());
            if (mark == null || !node.path("special").asBoolean()) continue;
            // marks are looked for in the text as it is: a normaliser must not come between
            ((ObjectNode) node).put("content", mark).put("normalized", false);
        }
        return TokenizerFile.JSON.writeValueAsString(tokens);
    }

    private record Edit(TokenizerFile.Span span, String replacement) {}

    private static Edit edit(String text, TokenizerFile.Spelling spelling, Map<String, String> marks) throws IOException {
        int start = spelling.start();
        if (text.charAt(start) != '"') throw new IllegalStateException("no string at offset " + start + " of tokenizer.json");
        int end = start + 1;
        while (text.charAt(end) != '"') end += text.charAt(end) == '\\' ? 2 : 1;
        return new Edit(new TokenizerFile.Span(start, end + 1), TokenizerFile.JSON.writeValueAsString(marks.get(spelling.content())));
    }

    private static String apply(String text, List<Edit> edits) {
        StringBuilder out = new StringBuilder(text.length() + 64 * edits.size());
        int at = 0;
        for (Edit edit : edits) {
            out.append(text, at, edit.span.start()).append(edit.replacement);
            at = edit.span.end();
        }
        return out.append(text, at, text.length()).toString();
    }
}
