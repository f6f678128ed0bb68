package dev.skald.text.jinja;

import java.util.LinkedHashMap;
import java.util.Map;

/** The one value whose attributes a template can set, to carry something out of a loop. */
final class Namespace implements Value {
    final Map<String, Value> attributes = new LinkedHashMap<>();
}
