"""Knows the wordings and frames kept for the test, so that no training text is made that repeats one by accident."""

import re

from corpus.tables import rows

_SLOT = re.compile(r"\{!?[a-z]\}")


def normalised(text):
    """The text in lower case, without marks and spaces: what two wordings are compared by."""
    return "".join(c for c in text.lower() if c.isalnum())


def pattern(wording):
    """A regular expression on normalised text for the wording with anything in its slots."""
    parts = [re.escape(normalised(part)) for part in _SLOT.split(wording)]
    while parts and not parts[0]:
        parts.pop(0)
    while parts and not parts[-1]:
        parts.pop()
    return ".+?".join(parts)


WORDINGS = [row["text"] for table in ("geography_wordings", "sentiment_frames") for row in rows(table)
            if row["split"] == "test"]
_ANY = re.compile("|".join(pattern(wording) for wording in WORDINGS))


def repeats_one(text):
    """True if a wording or frame of the test stands somewhere in the text, whatever fills its slots."""
    return _ANY.search(normalised(text)) is not None


def _check_tables():
    for table in ("geography_wordings", "sentiment_frames"):
        for row in rows(table):
            filled = _SLOT.sub("x", row["text"])
            if row["split"] == "train" and repeats_one(filled):
                raise ValueError(f"a training wording repeats one of the test: {row['text']}")


_check_tables()
