"""Turns the corpus into batches of token ids for training."""

import itertools

import numpy as np
import torch
from tokenizers import Tokenizer

from corpus import mixture, sums
from corpus.example import pieces

PAD = 0


def load_tokenizer(folder):
    """The tokenizer of a model folder."""
    return Tokenizer.from_file(str(folder / "tokenizer.json"))


def encode(tokenizer, examples):
    """Token ids and which of them count for the loss, one pair of lists an example.

    Pieces are encoded one by one: the tokenizer never joins across their edges, since each edge is a special token, a
    line end, a mark, or the space that opens a word.
    """
    cut = [pieces(example) for example in examples]
    flat = tokenizer.encode_batch([text for example in cut for text, _ in example], add_special_tokens=False)
    encoded = iter(flat)
    out = []
    for example in cut:
        ids, counts = [], []
        for _, counted in example:
            piece = next(encoded).ids
            ids += piece
            counts += [counted] * len(piece)
        out.append((ids, counts))
    return out


def pad(rows):
    """Rows of (ids, counts) as tensors: inputs, targets [rows, length] int64, and which targets count, bool."""
    length = max(len(ids) for ids, _ in rows)
    ids = np.full((len(rows), length), PAD, dtype=np.int64)
    counts = np.zeros((len(rows), length), dtype=bool)
    for row, (tokens, counted) in enumerate(rows):
        ids[row, : len(tokens)] = tokens
        counts[row, : len(tokens)] = counted
    ids, counts = torch.from_numpy(ids), torch.from_numpy(counts)
    return ids[:, :-1].contiguous(), ids[:, 1:].contiguous(), counts[:, 1:].contiguous()


class Batches:
    """An endless, seeded supply: `sums(rows)` and `mixed(tokens)`."""

    POOL = 4096

    def __init__(self, tokenizer, seed):
        self._tokenizer = tokenizer
        self._stream = mixture.stream(seed)
        self._rng = np.random.default_rng(seed)
        self._digits = np.array([tokenizer.token_to_id(str(d)) for d in range(10)])
        self._plus, self._equals = tokenizer.token_to_id("+"), tokenizer.token_to_id("=")
        self._ready = []

    def sums(self, rows):
        """A batch of plain sums."""
        a, b = sums.sample_pairs(self._rng, rows)
        return pad([self._sum(x, y) for x, y in zip(a.tolist(), b.tolist())])

    def _sum(self, a, b):
        prompt = [*self._number(a), self._plus, *self._number(b), self._equals]
        answer = [*self._number(a + b), PAD]
        return prompt + answer, [False] * len(prompt) + [True] * len(answer)

    def _number(self, n):
        return [int(self._digits[int(d)]) for d in str(n)]

    def mixed(self, tokens):
        """A batch of all other examples, of about this many tokens and of like lengths, so that little is padding."""
        if not self._ready:
            pool = encode(self._tokenizer, itertools.islice(self._stream, self.POOL))
            pool.sort(key=lambda row: len(row[0]))
            rows = []
            for row in pool:
                if rows and (len(rows) + 1) * len(row[0]) > tokens:
                    self._ready.append(rows)
                    rows = []
                rows.append(row)
            self._ready.append(rows)
            self._rng.shuffle(self._ready)
        return pad(self._ready.pop())
