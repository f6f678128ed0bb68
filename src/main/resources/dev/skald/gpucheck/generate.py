"""Measures transformers' generate on a shape of random weights, with the ragged lengths of RaggedRun: generate.py CONFIG_JSON REQUESTS MEAN [cpu].

Prompts are padded to the longest on the left, and every row runs to the longest answer, since that is what generate does; only tokens that a request asked for
count. A batch that does not fit is halved, and the halves run one after the other. Prints one result.
"""
import json
import sys
import time


def result(kind, detail="", **values):
    print("@result " + json.dumps({"kind": kind, "name": "generate, ragged", "detail": detail, "values": values}), flush=True)
    sys.exit(0)


try:
    import torch
    import transformers
except ImportError as error:
    result("SKIPPED", f"there is no PyTorch with transformers here: {error}")

config_json, requests, mean = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
device = sys.argv[4] if len(sys.argv) > 4 else "cuda"
if device == "cuda" and not torch.cuda.is_available():
    result("SKIPPED", "PyTorch sees no card here")

with open(config_json, encoding="utf-8") as file:
    config = transformers.LlamaConfig(**json.load(file))
dtype = torch.bfloat16
previous = torch.get_default_dtype()
torch.set_default_dtype(dtype)
with torch.device(device):
    model = transformers.LlamaForCausalLM(config).eval()
torch.set_default_dtype(previous)

prompts = [1 + (i * 73 + 41) % (2 * mean - 1) for i in range(requests)]
answers = [1 + (i * 151 + 97) % (2 * mean - 1) for i in range(requests)]


def run(rows):
    longest = max(prompts[i] for i in rows)
    generator = torch.Generator().manual_seed(3)
    ids = torch.randint(3, config.vocab_size, (len(rows), longest), generator=generator)
    mask = torch.zeros_like(ids)
    for row, i in enumerate(rows):
        mask[row, longest - prompts[i]:] = 1
    wanted = max(answers[i] for i in rows)
    with torch.inference_mode():
        model.generate(ids.to(device), attention_mask=mask.to(device), do_sample=False, max_new_tokens=wanted, min_new_tokens=wanted, pad_token_id=0, eos_token_id=None)


def wait():
    if device == "cuda":
        torch.cuda.synchronize()


batch = requests
best = None
while best is None:
    try:
        groups = [list(range(begin, min(begin + batch, requests))) for begin in range(0, requests, batch)]
        for _ in range(2):
            wait()
            begun = time.perf_counter()
            for group in groups:
                run(group)
            wait()
            seconds = time.perf_counter() - begun
            best = seconds if best is None else min(best, seconds)
    except torch.cuda.OutOfMemoryError:
        if batch == 1:
            result("SKIPPED", "not even one sequence fits")
        best = None
        batch = (batch + 1) // 2
        torch.cuda.empty_cache()

total = sum(answers)
result("MEASURED", requests=requests, batch=batch, answer_tokens=total, seconds=round(best, 4), answer_tokens_per_s=round(total / best, 2),
       torch=torch.__version__, transformers=transformers.__version__, device=device)
