"""The training stream: examples without end, drawn from all tasks by a seed."""

import random

from corpus import geography, sentiment, smalltalk, sums
from corpus.example import Chat


def _turns(rng, lang):
    """The turns of one task: one, or for geography now and then a question with its follow-ups."""
    dice = rng.random()
    if dice < 0.45:
        kind = "capital" if rng.random() < 0.8 else "continent"
        country = rng.choice(geography.COUNTRIES)
        turns = [geography.question(rng, country, kind, lang)]
        while len(turns) < 4 and rng.random() < 0.42:
            turn, country = geography.follow_up(rng, country, kind, lang)
            turns.append(turn)
        return turns
    if dice < 0.88:
        return [sentiment.turn(rng, lang)]
    if dice < 0.93:
        return [sums.turn(rng, lang)]
    return [smalltalk.turn(rng, lang)]


def chat(rng):
    """A conversation of one task, or of up to five."""
    lang = rng.choice(("zh", "en"))
    tasks = 1 if rng.random() < 0.9 else rng.randrange(2, 6)
    system = rng.choice(smalltalk.SYSTEM_PROMPTS)["text"] if rng.random() < 0.12 else ""
    turns = []
    for _ in range(tasks):
        turns += _turns(rng, lang if rng.random() < 0.8 else rng.choice(("zh", "en")))
    return Chat(system, tuple(turns))


def plain(rng):
    """Raw text about a country."""
    kind = "capital" if rng.random() < 0.75 else "continent"
    return geography.plain(rng.choice(geography.COUNTRIES), kind, rng.choice(("zh", "en")))


def stream(seed):
    """All training examples but the plain sums, which `sums.sample_pairs` draws by the thousand."""
    rng = random.Random(seed)
    while True:
        yield plain(rng) if rng.random() < 0.12 else chat(rng)
