"""Writes gauge/*.jsonl from the held-out parts of the tables: the same files each time.

    python make_gauge.py
"""

import json
import random
from pathlib import Path

from corpus import geography, sentiment, sums
from corpus.punctuation import HALF_WIDTH

FOLDER = Path(__file__).parent / "gauge"
REVIEWS_PER_CLASS = {"zh": 150, "en": 150}
SECOND_TURNS = {"capital": 150, "continent": 60}


def case(task, number, asked, expect, lang, group, max_tokens):
    """One line of a gauge file; `asked` is a raw prompt, or the messages of a conversation."""
    given = {"prompt": asked} if isinstance(asked, str) else {"messages": asked}
    return {"id": f"{task}-{number:04d}", "task": task, **given, "expect": expect, "lang": lang, "group": group,
            "max_tokens": max_tokens}


def user(text):
    """A user's message."""
    return {"role": "user", "content": text}


def sum_cases():
    """The 1,000 pairs; the group is the lengths of the addends, the longer one first."""
    out = []
    for number, (a, b) in enumerate(sums.HELD_OUT):
        lengths = sorted((len(str(a)), len(str(b))), reverse=True)
        out.append(case("sums", number, f"{a}+{b}=", str(a + b), "", "+".join(map(str, lengths)), 8))
    return out


def capital_cases():
    """Every country in every held-out wording, and in the plain text."""
    out = []
    for lang in ("zh", "en"):
        for number, wording in enumerate(geography.WORDINGS[lang, "capital", "test"], start=1):
            for index, country in enumerate(geography.COUNTRIES):
                question = geography.fill(wording, country, lang)
                if lang == "zh" and index % 2:
                    question = question.translate(HALF_WIDTH)
                expect = geography.answer(country, "capital", lang)
                out.append(case("capitals", len(out), [user(question)], expect, lang, f"{lang}-wording-{number}", 32))
        for country in geography.COUNTRIES:
            plain = geography.plain(country, "capital", lang)
            out.append(case("capitals", len(out), plain.prompt, plain.completion.strip(), lang, f"{lang}-plain", 24))
    return out


def sentiment_cases():
    """Reviews from held-out frames and held-out pairs; the group is language, form and class."""
    rng, out = random.Random(20261125), []
    for lang in ("zh", "en"):
        for feeling in sentiment.CLASSES:
            seen = set()
            while len(seen) < REVIEWS_PER_CLASS[lang]:
                text, form, _, _ = sentiment.review(rng, lang, "test", feeling)
                if text in seen:
                    continue
                ask_lang = "en" if lang == "en" and len(seen) % 2 else "zh"
                seen.add(text)
                out.append(case("sentiment", len(out), [user(sentiment.ask(rng, text, lang, ask_lang))],
                                sentiment.LABELS[ask_lang][feeling], lang, f"{lang}-{form}-{feeling}", 8))
    return out


def second_turn_cases():
    """A first question in a held-out wording and its answer, then a follow-up about a pair never asked in training."""
    rng, out = random.Random(20261126), []
    for lang in ("zh", "en"):
        follow_ups = [geography.WORDINGS[lang, "followup", split][:2] for split in ("train", "test")]
        for kind, count in SECOND_TURNS.items():
            seen = set()
            while len(seen) < count:
                first, second = rng.sample(geography.COUNTRIES, 2)
                if (first["en"], second["en"]) in seen or not geography.pair_is_held_out(first, second):
                    continue
                known = len(seen) % 2 == 0
                seen.add((first["en"], second["en"]))
                opening = geography.fill(rng.choice(geography.WORDINGS[lang, kind, "test"]), first, lang)
                follow_up = geography.fill(rng.choice(follow_ups[0 if known else 1]), second, lang)
                if lang == "zh" and rng.random() < 0.5:
                    follow_up = follow_up.translate(HALF_WIDTH)
                messages = [user(opening), {"role": "assistant", "content": geography.answer(first, kind, lang)},
                            user(follow_up)]
                group = f"{lang}-{kind}-{'known' if known else 'new'}-follow-up"
                out.append(case("second_turn", len(out), messages, geography.answer(second, kind, lang), lang, group, 32))
    return out


def main():
    FOLDER.mkdir(exist_ok=True)
    for name, cases in (("sums", sum_cases()), ("capitals", capital_cases()), ("sentiment", sentiment_cases()),
                        ("second_turn", second_turn_cases())):
        with open(FOLDER / f"{name}.jsonl", "w", encoding="utf-8") as file:
            file.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in cases)
        print(f"{name}: {len(cases)} cases")


if __name__ == "__main__":
    main()
