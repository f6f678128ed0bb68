"""Proves that nothing of the gauge stands in training. Exits 1 and says what it found if something does.

    python check_splits.py [--examples 200000] [--seeds N ...]

Two ways. By rule: the tables' splits and the held-out pairs don't meet. By reading: the training stream is written
again, with the seeds of the training runs, and each of its texts is searched for what is held out.
"""

import argparse
import itertools
import json
import re
import sys
from pathlib import Path

import numpy as np

from corpus import geography, held_out, mixture, sentiment, sums
from corpus.example import Chat, text

FOLDER = Path(__file__).parent
SUM = re.compile(r"(\d+)\D{1,6}(\d+)\D{0,6}=(\d+)")


def gauge(task):
    """The cases of a gauge file."""
    with open(FOLDER / "gauge" / f"{task}.jsonl", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def problems_by_rule():
    """What the tables and the gauge say against themselves."""
    held = set(sums.HELD_OUT) | {(b, a) for a, b in sums.HELD_OUT}
    asked = {tuple(map(int, c["prompt"].rstrip("=").split("+"))) for c in gauge("sums")}
    if asked != set(sums.HELD_OUT) or len(asked) != 1000:
        yield "sums.jsonl isn't the 1,000 held-out pairs"
    if any(sums.IN_TRAINING[a, b] for a, b in held) or sums.IN_TRAINING.sum() != 10**6 - len(held):
        yield "the mask of training pairs isn't all pairs but the held-out ones and their mirrors"
    rng = np.random.default_rng(0)
    if held & set(zip(*(x.tolist() for x in sums.sample_pairs(rng, 1_000_000)))):
        yield "sample_pairs drew a held-out pair"
    for case in gauge("capitals"):
        if "messages" in case and not held_out.repeats_one(case["messages"][0]["content"]):
            yield f"{case['id']}: its wording isn't a held-out one"
    for case in gauge("sentiment"):
        if not held_out.repeats_one(case["messages"][0]["content"]):
            yield f"{case['id']}: its frame isn't a held-out one"
    for lang, kind in itertools.product(("zh", "en"), sentiment.CLASSES):
        if set(sentiment.PAIRS[lang, "train", kind]) & set(sentiment.PAIRS[lang, "test", kind]):
            yield f"a pair of a noun and an adjective is on both sides ({lang}, {kind})"


class Reader:
    """Reads training examples and remembers what they show."""

    def __init__(self):
        self.questions = {case["messages"][-1]["content"] for task in ("capitals", "sentiment") for case in gauge(task)
                          if "messages" in case}
        self.found = []

    def read(self, example):
        """Notes anything held out that the example shows."""
        whole = text(example)
        for a, b, total in SUM.findall(whole):
            a, b, total = int(a), int(b), int(total)
            if a < sums.LIMIT and b < sums.LIMIT and a + b == total and not sums.IN_TRAINING[a, b]:
                self.found.append(f"held-out sum {a}+{b} in {whole!r}")
        if isinstance(example, Chat):
            for turn in example.turns:
                if held_out.repeats_one(turn.question) or turn.question in self.questions:
                    self.found.append(f"held-out wording or frame in {turn.question!r}")
            self._second_turns(example)

    def _second_turns(self, example):
        for first, second in zip(example.turns, example.turns[1:]):
            for kind, lang in itertools.product(("capital", "continent"), ("zh", "en")):
                a, b = ANSWERS.get((kind, lang, first.answer)), ANSWERS.get((kind, lang, second.answer))
                if a and b and a is not b and is_follow_up(second.question, b, lang):
                    if geography.pair_is_held_out(a, b):
                        self.found.append(f"held-out second turn {first.question!r} {second.question!r}")


ANSWERS = {(kind, lang, geography.answer(country, kind, lang)): country for kind in ("capital", "continent")
           for lang in ("zh", "en") for country in geography.COUNTRIES}


def is_follow_up(question, country, lang):
    """True if the question is one of the training follow-ups about the country."""
    asked = held_out.normalised(question)
    return any(held_out.normalised(geography.fill(w, country, lang)) == asked
               for w in geography.WORDINGS[lang, "followup", "train"])


def word_pairs_read(seed, count):
    """Every pair of noun and adjective in `count` training reviews, as the rules made them."""
    import random

    rng = random.Random(seed)
    for _ in range(count):
        _, _, frame, pairs = sentiment.review(rng, rng.choice(("zh", "en")), "train", rng.choice(sentiment.CLASSES))
        yield frame, pairs


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--examples", type=int, default=200_000)
    parser.add_argument("--seeds", type=int, nargs="*", default=[1_000_003, 2004134])
    arguments = parser.parse_args()
    found = list(problems_by_rule())
    for seed in arguments.seeds:
        reader = Reader()
        for example in itertools.islice(mixture.stream(seed), arguments.examples):
            reader.read(example)
        found += reader.found
        for frame, pairs in word_pairs_read(seed, arguments.examples // 4):
            if frame in TEST_FRAMES or any(sentiment.pair_is_held_out(*pair) for pair in pairs):
                found.append(f"held-out frame or pair: {frame} {pairs}")
    for line in found[:20]:
        print(line)
    print(f"{len(found)} problems in {arguments.examples:,} examples for each of the seeds {arguments.seeds}")
    sys.exit(1 if found else 0)


TEST_FRAMES = {frame for (_, split, _), frames in sentiment.FRAMES.items() if split == "test" for frame in frames}

if __name__ == "__main__":
    main()
