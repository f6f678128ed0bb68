"""Writes the weights of a checkpoint into the model folder: bf16 safetensors beside config.json.

    python export.py run/b.pt [--out model] [--weights ema|model]
"""

import argparse
import json
from pathlib import Path

import torch
from safetensors.torch import save_file

from corpus.example import END_OF_TEXT, TURN_END
from llama import CONFIG

GENERATION = {"do_sample": False, "eos_token_id": CONFIG["eos_token_id"], "pad_token_id": CONFIG["pad_token_id"]}


def write(weights, folder):
    """config.json, generation_config.json and model.safetensors (`weights`: f32 tensors by checkpoint name)."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in (("config", CONFIG), ("generation_config", GENERATION)):
        (folder / f"{name}.json").write_text(json.dumps(content, indent=2) + "\n")
    tensors = {name: value.to(torch.bfloat16).contiguous() for name, value in weights.items()}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


def check_ids(folder):
    """Fails unless the end tokens named in the configuration are the tokenizer's."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    if [tokenizer.token_to_id(TURN_END), tokenizer.token_to_id(END_OF_TEXT)] != CONFIG["eos_token_id"]:
        raise ValueError("the end tokens of llama.py are not those of the tokenizer")
    if tokenizer.get_vocab_size() != CONFIG["vocab_size"]:
        raise ValueError("the vocabulary size of llama.py is not that of the tokenizer")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "model")
    parser.add_argument("--weights", choices=("ema", "model"), default="ema")
    arguments = parser.parse_args()
    check_ids(arguments.out)
    state = torch.load(arguments.checkpoint)
    write(state[arguments.weights], arguments.out)
    size = sum(file.stat().st_size for file in arguments.out.iterdir())
    print(f"step {state['step']}, {state['seconds']:.0f} s of training -> {arguments.out}, {size:,} bytes")


if __name__ == "__main__":
    main()
