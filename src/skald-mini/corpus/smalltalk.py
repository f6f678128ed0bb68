"""Greetings, who the model is, what it can't do, and counting (its only long answer)."""

from corpus.example import Turn
from corpus.punctuation import either_width
from corpus.tables import rows

SYSTEM_PROMPTS = rows("system_prompts")
_BY_LANGUAGE = {
    lang: [(row["answer"], row["questions"].split(";")) for row in rows("smalltalk") if row["lang"] == lang]
    for lang in ("zh", "en")
}
_MARKS = {"zh": ("", "", "\u3002", "\uff1f", "\uff01"), "en": ("", "", ".", "?", "!")}
_COUNT = {"zh": ("从{a}数到{b}", "请从{a}数到{b}。", "数数\uff1a从{a}到{b}"),
          "en": ("Count from {a} to {b}", "Please count from {a} to {b}.", "Count up from {a} to {b}.")}


def turn(rng, lang):
    """One line of small talk."""
    if rng.random() < 0.1:
        return counting(rng, lang)
    replies = _BY_LANGUAGE[lang]
    answer, questions = replies[-1] if rng.random() < 0.12 else rng.choice(replies)
    question = rng.choice(questions) + rng.choice(_MARKS[lang])
    if lang == "en" and rng.random() < 0.2:
        question = question.lower()
    return Turn(either_width(rng, question), answer)


def counting(rng, lang):
    """Counting from a to b, at most 20 numbers below 100."""
    a = rng.choice((1, 1, rng.randrange(80)))
    b = a + rng.randrange(1, 20)
    question = rng.choice(_COUNT[lang]).format(a=a, b=b)
    return Turn(either_width(rng, question), " ".join(map(str, range(a, b + 1))))
