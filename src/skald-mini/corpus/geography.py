"""Capitals and continents: the questions, the answers, and second turns that need the first.

Held out: the wordings marked `test` in geography_wordings.tsv, and for second turns one in eight ordered pairs of
countries.
"""

from corpus import held_out, noise
from corpus.example import Plain, Turn
from corpus.punctuation import either_width, without_ending
from corpus.tables import bucket, rows

COUNTRIES = rows("countries")
CONTINENTS = {
    "AF": {"zh": "非洲", "en": "Africa"},
    "AS": {"zh": "亚洲", "en": "Asia"},
    "EU": {"zh": "欧洲", "en": "Europe"},
    "NA": {"zh": "北美洲", "en": "North America"},
    "SA": {"zh": "南美洲", "en": "South America"},
    "OC": {"zh": "大洋洲", "en": "Oceania"},
}
PLAIN_PROMPTS = {
    ("zh", "capital"): "{c}的首都是",
    ("en", "capital"): "The capital of {c} is",
    ("zh", "continent"): "{c}位于",
    ("en", "continent"): "{c} is in",
}


def _wordings():
    out = {}
    for row in rows("geography_wordings"):
        out.setdefault((row["lang"], row["kind"], row["split"]), []).append(row["text"])
    return out


WORDINGS = _wordings()


def capitalised(text):
    """`text` with its first letter in upper case."""
    return text[:1].upper() + text[1:]


def fill(wording, country, lang):
    """The wording asked about this country."""
    return capitalised(wording.replace("{c}", country[lang]))


def value(country, kind, lang):
    """The capital or the continent itself."""
    return country["capital_" + lang] if kind == "capital" else CONTINENTS[country["continent"]][lang]


def answer(country, kind, lang):
    """The full sentence that answers, which goes on from the plain prompt of the same kind."""
    found = value(country, kind, lang)
    start = fill(PLAIN_PROMPTS[lang, kind], country, lang)
    return f"{start}{found}。" if lang == "zh" else f"{start} {found}."


def plain(country, kind, lang):
    """The raw text `法国的首都是` and how it goes on."""
    found = value(country, kind, lang)
    return Plain(fill(PLAIN_PROMPTS[lang, kind], country, lang), found if lang == "zh" else " " + found)


def pair_is_held_out(first, second):
    """True if no training conversation asks about `first` and then, by a follow-up, about `second`."""
    return bucket(8, "second turn", first["en"], second["en"]) == 0


def careless(rng, question, lang):
    """The question as people type it: with words beside the point, without the mark at the end, in lower case."""
    if rng.random() < 0.35:
        longer = noise.around(rng, question, lang)
        question = question if held_out.repeats_one(longer) else longer
    if rng.random() < 0.15:
        question = without_ending(question)
    if lang == "zh":
        return either_width(rng, question)
    if rng.random() < 0.1:
        question = question.lower()
    return question


def question(rng, country, kind, lang):
    """A training question and its answer."""
    wording = rng.choice(WORDINGS[lang, kind, "train"])
    return Turn(careless(rng, fill(wording, country, lang), lang), answer(country, kind, lang))


def follow_up(rng, first, kind, lang):
    """A training second turn after a question of this kind about `first`, and the country it asks about."""
    while True:
        second = rng.choice(COUNTRIES)
        if second is not first and not pair_is_held_out(first, second):
            wording = rng.choice(WORDINGS[lang, "followup", "train"])
            asked = careless(rng, fill(wording, second, lang), lang)
            return Turn(asked, answer(second, kind, lang)), second
