package dev.skald.gpucheck;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * All parts of one card and commit as a page.
 *
 * @param card      its name; empty if there is none
 * @param simulated it is the software device
 * @param parts     in the order in which they run
 */
record Page(String card, boolean simulated, String commit, List<PartRecord> parts) {
    private static final int MOST_DETAIL = 300;
    /** Beyond so many columns a table can't be read. */
    private static final int MOST_COLUMNS = 10;
    private static final String SIMULATED = "**Simulated.** All of this ran on the software CUDA device of `native/simcuda`, not on a card: it says that results are right there, "
            + "and nothing of speed. Every row that is a number is marked so.";

    /** For the JSON page. */
    Map<String, Object> fields() {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("what", "skald gpu-check");
        fields.put("simulated", simulated);
        fields.put("card", card);
        fields.put("driver", driver());
        fields.put("commit", commit);
        fields.put("dates", dates());
        fields.put("commands", commands());
        fields.put("parts", parts);
        return fields;
    }

    String markdown() {
        StringBuilder page = new StringBuilder("# gpu-check: ").append(card.isEmpty() ? "no card" : card).append(simulated ? " (simulated)" : "").append("\n\n");
        if (simulated) page.append(SIMULATED).append("\n\n");
        page.append("| what | value |\n| --- | --- |\n");
        row(page, "card", card);
        row(page, "driver", driver());
        row(page, "date", String.join(" … ", dates()));
        row(page, "commit", commit);
        for (String command : commands()) row(page, "command", "`" + command + "`");
        page.append('\n');
        for (PartRecord part : parts) section(page, part);
        return page.toString();
    }

    private String driver() {
        List<String> known = new ArrayList<>();
        for (PartRecord part : parts) {
            for (Result r : part.results()) {
                if (r.values().get("driver_version") != null) known.add(0, r.values().get("driver_version").toString());
                if (r.values().get("driver_cuda") != null) known.add("for CUDA " + r.values().get("driver_cuda"));
            }
        }
        return String.join(", ", known);
    }

    /** Of the first and the last part. */
    private List<String> dates() {
        TreeSet<String> all = parts.stream().map(PartRecord::date).collect(Collectors.toCollection(TreeSet::new));
        return all.size() < 2 ? List.copyOf(all) : List.of(all.first(), all.last());
    }

    private Set<String> commands() {
        return parts.stream().map(PartRecord::command).collect(Collectors.toCollection(LinkedHashSet::new));
    }

    private void section(StringBuilder page, PartRecord part) {
        page.append("## ").append(part.part()).append("\n\n").append(part.about()).append(". ");
        page.append(String.format(Locale.ROOT, "%.1f s", part.seconds())).append(part.detail().isEmpty() ? "" : "; **" + part.detail() + "**").append(".\n\n");
        List<Line> lines = part.results().stream().flatMap(r -> lines(r).stream()).toList();
        if (lines.isEmpty()) return;
        Set<String> all = lines.stream().flatMap(l -> l.values().keySet().stream()).collect(Collectors.toCollection(LinkedHashSet::new));
        boolean wide = all.size() > MOST_COLUMNS;
        List<String> columns = wide ? List.of("values") : List.copyOf(all);
        boolean details = lines.stream().anyMatch(l -> !l.detail().isEmpty());
        List<String> head = new ArrayList<>(List.of("what", "is"));
        head.addAll(columns);
        if (details) head.add("why");
        page.append("| ").append(String.join(" | ", head)).append(" |\n|").append(" --- |".repeat(head.size())).append('\n');
        for (Line line : lines) {
            List<String> cells = new ArrayList<>(List.of(line.name(), line.kind()));
            if (wide) cells.add(line.values().entrySet().stream().map(e -> e.getKey() + " " + e.getValue()).collect(Collectors.joining("; ")));
            else for (String column : columns) cells.add(line.values().containsKey(column) ? String.valueOf(line.values().get(column)) : "");
            if (details) cells.add(shortened(line.detail()));
            page.append("| ").append(cells.stream().map(Page::cell).collect(Collectors.joining(" | "))).append(" |\n");
        }
        page.append('\n');
    }

    private record Line(String name, String kind, Map<String, Object> values, String detail) {}

    /** A result whose values are tables of their own takes a line for each. */
    private List<Line> lines(Result r) {
        String kind = word(r.kind()) + (simulated && (r.kind() == Result.Kind.MEASURED || r.kind() == Result.Kind.PASSED) ? ", simulated" : "");
        boolean nested = !r.values().isEmpty() && r.values().values().stream().allMatch(v -> v instanceof Map);
        if (!nested) return List.of(new Line(r.name(), kind, r.values(), r.detail()));
        List<Line> lines = new ArrayList<>();
        r.values().forEach((name, table) -> {
            Map<String, Object> values = new LinkedHashMap<>();
            ((Map<?, ?>) table).forEach((k, v) -> values.put(k.toString(), v));
            lines.add(new Line(r.name() + ": " + name, kind, values, lines.isEmpty() ? r.detail() : ""));
        });
        return lines;
    }

    static String word(Result.Kind kind) {
        return kind.name().toLowerCase(Locale.ROOT).replace('_', ' ');
    }

    static String shortened(String detail) {
        return detail.length() <= MOST_DETAIL ? detail : detail.substring(0, MOST_DETAIL) + "…";
    }

    private static void row(StringBuilder page, String what, String value) {
        page.append("| ").append(what).append(" | ").append(cell(value)).append(" |\n");
    }

    private static String cell(String text) {
        return text.replace("|", "\\|").replace('\n', ' ');
    }
}
