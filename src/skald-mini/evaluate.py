"""Measures a model folder on gauge/*.jsonl: greedy, through transformers, with the weights as they are in the folder.

    python evaluate.py [--model model] [--task sums ...] [--limit N] [--json results.json]

A case is right if the generated text, stripped, equals `expect` and generation ended by an end token.
"""

import argparse
import collections
import json
import time
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

FOLDER = Path(__file__).parent
TASKS = ("sums", "capitals", "sentiment", "second_turn")
BATCH = 64
CLASS_OF = {"正面": "正面", "负面": "负面", "中性": "中性", "positive": "正面", "negative": "负面", "neutral": "中性"}


def cases_of(task, limit):
    """The cases of a gauge file; with a limit, that many spread evenly over it."""
    lines = (FOLDER / "gauge" / f"{task}.jsonl").read_text(encoding="utf-8").splitlines()
    cases = [json.loads(line) for line in lines]
    return cases if not limit or limit >= len(cases) else [cases[i * len(cases) // limit] for i in range(limit)]


def prompt_ids(tokenizer, case):
    """The token ids that generation starts from."""
    if "prompt" in case:
        return tokenizer(case["prompt"])["input_ids"]
    text = tokenizer.apply_chat_template(case["messages"], tokenize=False, add_generation_prompt=True)
    return tokenizer(text, add_special_tokens=False)["input_ids"]


@torch.no_grad()
def answers(model, tokenizer, cases):
    """(text, ended by an end token) for each case. Only prompts of one length share a batch, so nothing is padded."""
    ends = set(model.generation_config.eos_token_id)
    by_length = collections.defaultdict(list)
    for index, case in enumerate(cases):
        ids = prompt_ids(tokenizer, case)
        by_length[len(ids), case["max_tokens"]].append((index, ids))
    out = [None] * len(cases)
    for (length, max_tokens), members in by_length.items():
        for start in range(0, len(members), BATCH):
            part = members[start:start + BATCH]
            ids = torch.tensor([m[1] for m in part])
            rows = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=max_tokens, do_sample=False)
            for (index, _), row in zip(part, rows[:, length:].tolist()):
                end = next((i for i, token in enumerate(row) if token in ends), None)
                out[index] = tokenizer.decode(row[:end]), end is not None
    return out


def measure(model, tokenizer, task, limit):
    """Counts of a task: right and all by group, the cases missed, and for sentiment the confusion matrix."""
    cases = cases_of(task, limit)
    groups, missed = collections.defaultdict(lambda: [0, 0]), []
    confusion = collections.Counter()
    for case, (text, ended) in zip(cases, answers(model, tokenizer, cases)):
        right = ended and text.strip() == case["expect"]
        groups[case["group"]][0] += right
        groups[case["group"]][1] += 1
        if not right:
            missed.append({"id": case["id"], "expect": case["expect"], "got": text, "ended": ended})
        if task == "sentiment":
            confusion[CLASS_OF[case["expect"]], CLASS_OF.get(text.strip(), "other")] += 1
    total = sum(right for right, _ in groups.values())
    return {"task": task, "right": total, "cases": len(cases), "accuracy": total / len(cases),
            "groups": {g: groups[g] for g in sorted(groups)}, "missed": missed,
            "confusion": {f"{a} -> {b}": n for (a, b), n in sorted(confusion.items())}}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", type=Path, default=FOLDER / "model")
    parser.add_argument("--task", nargs="*", choices=TASKS, default=TASKS)
    parser.add_argument("--limit", type=int, default=0, help="only so many cases a task")
    parser.add_argument("--json", type=Path, help="write the whole result here")
    arguments = parser.parse_args()
    tokenizer = AutoTokenizer.from_pretrained(arguments.model)
    model = AutoModelForCausalLM.from_pretrained(arguments.model, dtype="auto").eval()
    print(f"weights {next(model.parameters()).dtype}")
    results = []
    for task in arguments.task:
        start = time.monotonic()
        result = measure(model, tokenizer, task, arguments.limit)
        results.append(result)
        print(f"{task}: {result['right']}/{result['cases']} = {result['accuracy']:.2%} ({time.monotonic() - start:.0f} s)")
        for group, (right, count) in result["groups"].items():
            print(f"    {group}: {right}/{count} = {right / count:.2%}")
        for pair, count in result["confusion"].items():
            print(f"    {pair}: {count}")
        for miss in result["missed"][:8]:
            print(f"    missed {miss}")
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
