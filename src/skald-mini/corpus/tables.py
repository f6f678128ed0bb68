"""Reads the tables beside this file. A table is a UTF-8 .tsv whose first line names its columns."""

import csv
import hashlib
from pathlib import Path

FOLDER = Path(__file__).parent


def rows(name):
    """All rows of `name`.tsv as dicts; fails on a row that lacks a column or has one too many."""
    with open(FOLDER / f"{name}.tsv", encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    for number, row in enumerate(table, start=2):
        if None in row or None in row.values() or "" in row.values():
            raise ValueError(f"{name}.tsv line {number}: wrong number of columns")
    return table


def bucket(buckets, *key):
    """A number in [0, buckets) that depends on the key alone: the splits hang on it, so it never changes."""
    digest = hashlib.sha256("\x1f".join(map(str, key)).encode()).digest()
    return int.from_bytes(digest[:8], "big") % buckets
