"""Words that mean nothing here, put around a question so that the model learns to read past what it doesn't know.

They are drawn from all tables, but never from names of places, feelings, denials, joints or the words that tell the
tasks apart.
"""

import re

from corpus.tables import rows

_MEANINGFUL_ZH = set("首都洲不没非无但可却然过虽尽既又也算谈数加和正负中性情感")
_MEANINGFUL_EN = {"capital", "city", "town", "continent", "world", "part", "not", "no", "never", "nobody", "but", "neither",
                  "nor", "however", "yet", "although", "though", "even", "hardly", "anything", "isn", "wasn", "don", "t",
                  "call", "disagree", "means", "either", "count", "add", "plus", "sum", "sentiment", "positive", "negative",
                  "neutral", "review", "denies", "skald", "mini", "a", "c", "n", "m", "b", "p", "q", "r", "s"}


def _words():
    zh, en, names_zh, names_en = set(), set(), set(_MEANINGFUL_ZH), set(_MEANINGFUL_EN)
    for row in rows("countries"):
        names_zh.update(row["zh"] + row["capital_zh"])
        names_en.update(re.findall("[a-z]+", (row["en"] + " " + row["capital_en"]).lower()))
    for row in rows("sentiment_words"):
        if row["kind"] != "noun":
            names_zh.update(row["word"])
            names_en.update(re.findall("[a-z]+", row["word"].lower()))
    for table in ("geography_wordings", "sentiment_frames", "smalltalk"):
        for row in rows(table):
            for value in row.values():
                zh.update(re.findall("[\u4e00-\u9fff]", value))
                en.update(re.findall("[a-z]+", value.lower()))
    return {"zh": sorted(zh - names_zh), "en": sorted(en - names_en)}


WORDS = _words()
_JOINTS = {"zh": ("\uff0c", "\uff0c", "\uff1a", ""), "en": (", ", ", ", ": ", " ", " ")}


def phrase(rng, lang):
    """One to five words that mean nothing."""
    words = rng.choices(WORDS[lang], k=rng.choice((1, 2, 2, 3, 3, 4, 5)))
    return "".join(words) if lang == "zh" else " ".join(words)


def around(rng, text, lang):
    """The text with such a phrase before it, or before the mark that ends it."""
    joint = rng.choice(_JOINTS[lang])
    if rng.random() < 0.7:
        start = phrase(rng, lang)
        rest = text if lang == "zh" or rng.random() < 0.5 else text[:1].lower() + text[1:]
        return start[:1].upper() + start[1:] + joint + rest
    body, mark = (text[:-1], text[-1]) if text[-1] in "?.\uff1f\u3002" else (text, "")
    return body + joint + phrase(rng, lang) + mark
