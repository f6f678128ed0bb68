"""Trains the tokenizer on a sample of the corpus and writes the text half of the model folder.

Byte-level BPE, so that any UTF-8 has tokens. Chinese characters, marks and digits never join with what stands beside
them: a number is one token a digit, and no wording is cut differently for the words around it.
No token is put in front of a text (there is no BOS).

    python train_tokenizer.py [--out model]
"""

import argparse
import itertools
import json
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

from corpus import geography, mixture
from corpus.example import CHAT_TEMPLATE, END_OF_TEXT, TURN_END, TURN_START, text
from corpus.tables import rows

VOCABULARY = 2816
SAMPLE = 60_000
MAX_LENGTH = 2048


def sample():
    """Corpus text for the merges; each name and each Chinese character stands often enough to be learnt."""
    for country in geography.COUNTRIES:
        names = [country[c] for c in ("en", "zh", "capital_en", "capital_zh")]
        yield from ["".join(f" {name}\n{name}" for name in names)] * 60
    for table in ("countries", "smalltalk", "sentiment_words", "sentiment_frames", "geography_wordings", "system_prompts"):
        yield from sorted({c for row in rows(table) for value in row.values() for c in value if c > "\x7f"}) * 4000
    for example in itertools.islice(mixture.stream(seed=0), SAMPLE):
        yield from text(example).replace(TURN_START, "\n").replace(TURN_END, "\n").replace(END_OF_TEXT, "\n").split("\n")


def train():
    """The trained tokenizer."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(r"[\p{Han}\p{P}\p{S}]"), behavior="isolated"),
        pre_tokenizers.Digits(individual_digits=True),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
    ])
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    tokenizer.train_from_iterator(sample(), trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        min_frequency=2,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=[AddedToken(t, special=True, normalized=False) for t in (END_OF_TEXT, TURN_START, TURN_END)],
        show_progress=False,
    ))
    return tokenizer


def write(tokenizer, folder):
    """tokenizer.json and tokenizer_config.json."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "add_bos_token": False,
        "add_eos_token": False,
        "bos_token": None,
        "eos_token": TURN_END,
        "pad_token": END_OF_TEXT,
        "unk_token": None,
        "clean_up_tokenization_spaces": False,
        "model_max_length": MAX_LENGTH,
        "chat_template": CHAT_TEMPLATE,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2, ensure_ascii=False) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "model")
    arguments = parser.parse_args()
    tokenizer = train()
    write(tokenizer, arguments.out)
    print(f"{tokenizer.get_vocab_size()} tokens -> {arguments.out}")


if __name__ == "__main__":
    main()
