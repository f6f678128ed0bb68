"""Sums of two numbers below 1000. Held out: 1,000 pairs drawn uniformly from all 10^6, and their mirrors."""

import random

import numpy as np

from corpus.example import Plain, Turn
from corpus.punctuation import FULL_WIDTH, HALF_WIDTH

LIMIT = 1000
HELD_OUT_PAIRS = 1000


def _draw_held_out():
    draw = random.Random(20261124)
    return [divmod(code, LIMIT) for code in draw.sample(range(LIMIT * LIMIT), HELD_OUT_PAIRS)]


HELD_OUT = _draw_held_out()
IN_TRAINING = np.ones((LIMIT, LIMIT), dtype=bool)
for _a, _b in HELD_OUT:
    IN_TRAINING[_a, _b] = IN_TRAINING[_b, _a] = False

CHAT_WORDINGS = {
    "zh": ["{a}+{b}=?", "{a}+{b}等于多少?", "{a}加{b}等于多少?", "计算{a}+{b}", "{a}+{b}是多少?", "{a} + {b} = ?",
           "请计算{a}加{b}。", "算一下{a}+{b}", "{a}+{b}=", "{a}+{b}", "请问{a}+{b}得多少?", "{a}与{b}的和是多少?"],
    "en": ["{a}+{b}=?", "What is {a} + {b}?", "What is {a}+{b}?", "{a} + {b} = ?", "Calculate {a} + {b}.", "{a}+{b}=",
           "How much is {a} plus {b}?", "Add {a} and {b}.", "What is the sum of {a} and {b}?", "{a} plus {b}?",
           "{a} + {b}", "What's {a}+{b}?", "Compute {a}+{b}"],
}


def sample_pairs(rng, count):
    """`count` training pairs as int arrays a, b (rng: numpy Generator).

    Uniform pairs nearly all have three digits, and few need a carry to run through a nine. So of the draws a sixth
    has lengths drawn evenly, and a quarter has columns made to add up to nine.
    """
    a = rng.integers(0, LIMIT, 2 * count + 64)
    b = rng.integers(0, LIMIT, a.size)
    kind = rng.random(a.size)
    short = kind < 1 / 6
    a = np.where(short, a % 10 ** rng.integers(1, 4, a.size), a)
    b = np.where(short, b % 10 ** rng.integers(1, 4, a.size), b)
    nines = kind > 3 / 4
    for place in (1, 10, 100):
        forced = nines & (rng.random(a.size) < 0.6)
        a_digit, b_digit = a // place % 10, b // place % 10
        b = np.where(forced, b + (9 - a_digit - b_digit) * place, b)
    keep = IN_TRAINING[a, b]
    a, b = a[keep], b[keep]
    return a[:count], b[:count]


def plain(a, b):
    """`111+222=` and how it goes on."""
    return Plain(f"{a}+{b}=", str(a + b))


def turn(rng, lang):
    """A sum asked in a conversation (rng: random.Random). The answer repeats the sum, so that it is the plain one."""
    while True:
        a, b = (rng.randrange(10 ** rng.choice((1, 2, 3, 3))) for _ in range(2))
        if IN_TRAINING[a, b]:
            question = rng.choice(CHAT_WORDINGS[lang]).format(a=a, b=b)
            if rng.random() < 0.5:
                question = question.translate(FULL_WIDTH)
            return Turn(question if lang == "zh" else question.translate(HALF_WIDTH), f"{a}+{b}={a + b}")
