"""Reviews and what they feel: 正面, 负面 or 中性 (positive, negative, neutral where the question names them so).

A review is a sentence frame filled with pairs of a noun and an adjective. The rules: a plain sentence feels as its
adjective; a denied one feels the opposite; of two clauses joined by "but" the second decides; what denies both sides
is neutral. Held out: the frames marked `test` in sentiment_frames.tsv, and one in eight pairs (noun, adjective).
"""

from corpus import held_out, noise
from corpus.example import Turn
from corpus.punctuation import either_width, without_ending
from corpus.tables import bucket, rows

CLASSES = ("pos", "neg", "neu")
OPPOSITE = {"pos": "neg", "neg": "pos", "neu": "neu"}
LABELS = {
    "zh": {"pos": "正面", "neg": "负面", "neu": "中性"},
    "en": {"pos": "positive", "neg": "negative", "neu": "neutral"},
}
# Words that are denials, or too firm, by themselves: "并不没得挑" is nobody's Chinese.
NOT_DENIED = ("不", "没", "毛病", "糟透", "值得", "一流", "一塌", "nothing")


def _group(table, *columns):
    out = {}
    for row in rows(table):
        out.setdefault(tuple(row[c] for c in columns), []).append(row)
    return out


_WORDS = _group("sentiment_words", "lang", "kind")
_FRAMES = _group("sentiment_frames", "lang", "split", "form")
FRAMES = {key: [row["text"] for row in value] for key, value in _FRAMES.items()}


def pair_is_held_out(noun, adjective):
    """True if no training review says this of that."""
    return bucket(8, "sentiment", noun, adjective) == 0


def _pairs():
    out = {}
    for lang in ("zh", "en"):
        for noun in _WORDS[lang, "noun"]:
            for kind in CLASSES:
                for adjective in _WORDS[lang, kind]:
                    if adjective["topic"] in ("any", noun["topic"]):
                        pair = noun["word"], adjective["word"]
                        split = "test" if pair_is_held_out(*pair) else "train"
                        out.setdefault((lang, split, kind), []).append(pair)
    return out


PAIRS = _pairs()


def _pair(rng, lang, split, kind, denied, noun=None):
    while True:
        pair = rng.choice(PAIRS[lang, split, kind])
        if noun is not None and pair[0] != noun:
            continue
        if not (denied and pair[1].startswith(NOT_DENIED)):
            return pair


def _clause(rng, lang, split, feeling, denied):
    return _pair(rng, lang, split, OPPOSITE[feeling] if denied else feeling, denied)


def frame_of(rng, lang, split, feeling):
    """A form and a frame that can carry this feeling."""
    if feeling == "neu":
        form = rng.choices(("plain", "contrast", "balance"), (4, 3, 3))[0]
    else:
        form = rng.choices(("plain", "negation", "contrast"), (3, 3, 4))[0]
    while True:
        frame = rng.choice(FRAMES[lang, split, form])
        if not (feeling == "neu" and "{!b}" in frame):
            return form, frame


def review(rng, lang, split, feeling):
    """A review of this feeling: (text, form, frame, the pairs in it)."""
    form, frame = frame_of(rng, lang, split, feeling)
    if form == "plain":
        pairs = [_pair(rng, lang, split, feeling, False)]
        slots = dict(zip(("{n}", "{a}"), pairs[0]))
    elif form == "negation":
        pairs = [_clause(rng, lang, split, feeling, True)]
        slots = dict(zip(("{n}", "{a}"), pairs[0]))
    elif form == "balance":
        good = _pair(rng, lang, split, "pos", True)
        while not any(p[0] == good[0] and not p[1].startswith(NOT_DENIED) for p in PAIRS[lang, split, "neg"]):
            good = _pair(rng, lang, split, "pos", True)
        bad = _pair(rng, lang, split, "neg", True, noun=good[0])
        pairs = [good, bad]
        slots = {"{n}": good[0], "{p}": good[1], "{q}": bad[1]}
    else:
        pairs, slots = _contrast(rng, lang, split, feeling, frame)
    text = frame
    for slot, word in slots.items():
        text = text.replace(slot, word)
    return text[:1].upper() + text[1:], form, frame, pairs


def _contrast(rng, lang, split, feeling, frame):
    # Mostly the first clause feels otherwise, as in life; sometimes not, so that the joint alone decides nothing.
    others = [c for c in CLASSES if c != feeling and not ("{!a}" in frame and c == "neu")]
    first_feeling = rng.choice(others) if rng.random() < 0.85 or "{!a}" in frame else feeling
    first = _clause(rng, lang, split, first_feeling, "{!a}" in frame)
    second = _clause(rng, lang, split, feeling, "{!b}" in frame)
    while second[0] == first[0]:
        second = _clause(rng, lang, split, feeling, "{!b}" in frame)
    slots = {"{n}": first[0], "{a}": first[1], "{!a}": first[1], "{m}": second[0], "{b}": second[1], "{!b}": second[1]}
    return [first, second], slots


def ask(rng, text, lang, ask_lang):
    """The review put into a question in `ask_lang`, whose language the label has."""
    return rng.choice(FRAMES[ask_lang, "train", "ask"]).replace("{r}", text)


def turn(rng, lang):
    """A training question about a review in `lang` and its answer."""
    feeling = rng.choice(CLASSES)
    text, _, _, _ = review(rng, lang, "train", feeling)
    if rng.random() < 0.25:
        joint = rng.choice((", ", ": ", " ") if lang == "en" else ("\uff0c", "\uff1a", ""))
        longer = noise.phrase(rng, lang) + joint + text
        text = text if held_out.repeats_one(longer) else longer
    if rng.random() < 0.1:
        text = without_ending(text)
    ask_lang = "zh" if lang == "zh" or rng.random() < 0.5 else "en"
    return Turn(either_width(rng, ask(rng, text, lang, ask_lang)), LABELS[ask_lang][feeling])
