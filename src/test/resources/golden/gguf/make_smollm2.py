"""Records the greedy tokens of a real model, SmolLM2-135M-Instruct.Q4_1.gguf, and how clear each choice was.

    python make_smollm2.py FOLDER          # with the file; torch 2.13, transformers 5.19, accelerate 1, gguf 0.19

The prompts are token ids: a question in the model's own chat template, a tale, a law and a program to go on with. The weights are no part of
this project; RealGgufTest runs where -Dskald.smollm2.gguf=FILE names them.
"""

import json
import pathlib
import sys

import torch
from transformers import AutoModelForCausalLM

FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
TOKENS = 40
END = 2
PROMPTS = [
    [1, 9690, 198, 2683, 359, 253, 5356, 5646, 11173, 3365, 3511, 308, 34519, 28, 7018, 411, 407, 19712, 8182, 2, 198, 1, 4093, 198, 1780, 314,
     260, 3575, 282, 4649, 47, 2, 198, 1, 520, 9531, 198],
    [6403, 1980, 253, 655, 28, 281, 253, 1165, 6560, 411, 260, 3426, 28],
    [504, 1296, 3707, 282, 5522, 1215, 338],
    [1604, 3987, 46477, 24, 94, 727],
]


def greedy(model, prompt):
    ids, tokens, margins = list(prompt), [], []
    while len(tokens) < TOKENS and END not in tokens:
        top = model(torch.tensor([ids])).logits[0, -1].topk(2)
        tokens.append(top.indices[0].item())
        margins.append(round((top.values[0] - top.values[1]).item(), 3))
        ids.append(tokens[-1])
    return dict(prompt=prompt, greedy=tokens, margin=margins)


if __name__ == "__main__":
    net = AutoModelForCausalLM.from_pretrained(sys.argv[1], gguf_file=FILE, dtype=torch.float32).eval()
    with torch.no_grad():
        lines = [json.dumps(greedy(net, prompt)) for prompt in PROMPTS]
    out = pathlib.Path(__file__).parent / "smollm2-135m-instruct.q4_1.json"
    out.write_text("[\n" + ",\n".join(lines) + "\n]\n")
