"""Trains skald-mini on the CPU.

    python train.py --minutes 60 --out run/a.pt                        a constant learning rate after warm-up
    python train.py --minutes 20 --resume run/a.pt --decay --out run/b.pt   the rate goes down to nothing
    python export.py run/b.pt                                          writes model/

Matrices are stepped by Muon, the embedding and the norms by AdamW. A running mean of the weights (`ema`) is kept
beside them; it is what gets exported.
"""

import argparse
import time
from pathlib import Path

import torch

from batches import Batches, load_tokenizer
from llama import Llama

FOLDER = Path(__file__).parent


def optimisers(model):
    """Muon for the layers' matrices, AdamW for the rest."""
    matrices, rest = [], []
    for name, parameter in model.named_parameters():
        (matrices if parameter.dim() == 2 and "embed" not in name else rest).append(parameter)
    muon = torch.optim.Muon(matrices, lr=1.0, weight_decay=0.05, momentum=0.95, adjust_lr_fn="match_rms_adamw")
    adam = torch.optim.AdamW(rest, lr=1.0, betas=(0.9, 0.98), weight_decay=0.0)
    return muon, adam


def save(path, model, ema, muon, adam, seconds, step):
    """Writes a checkpoint in one move, so that a reader never sees half of one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    torch.save({"model": model.state_dict(), "ema": ema, "muon": muon.state_dict(), "adam": adam.state_dict(),
                "seconds": seconds, "step": step}, part)
    part.replace(path)


@torch.no_grad()
def check(model, batches):
    """Shares of rows right in a fresh batch of each kind."""
    rows = [model.correct(*batches.sums(256)).float().mean().item() for _ in range(2)]
    mixed = torch.cat([model.correct(*batches.mixed(2048)) for _ in range(6)]).float().mean().item()
    return sum(rows) / len(rows), mixed


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--resume", type=Path)
    parser.add_argument("--decay", action="store_true", help="bring the learning rate down to zero over this run")
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--sum-rows", type=int, default=256)
    parser.add_argument("--mixed-tokens", type=int, default=1536)
    parser.add_argument("--ema", type=float, default=0.998)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()

    torch.set_num_threads(arguments.threads)
    torch.manual_seed(arguments.seed)
    tokenizer = load_tokenizer(FOLDER / "model")
    model = Llama()
    muon, adam = optimisers(model)
    step, before = 0, 0.0
    if arguments.resume:
        state = torch.load(arguments.resume)
        model.load_state_dict(state["model"])
        muon.load_state_dict(state["muon"])
        adam.load_state_dict(state["adam"])
        step, before = state["step"], state["seconds"]
        ema = state["ema"]
    else:
        ema = {name: value.clone() for name, value in model.state_dict().items()}
    batches = Batches(tokenizer, arguments.seed * 1_000_003 + step)
    fresh = Batches(tokenizer, 777_777 + step)
    print(f"{sum(p.numel() for p in model.parameters()):,} parameters", flush=True)

    start, saved, losses = time.monotonic(), time.monotonic(), []
    while True:
        elapsed = time.monotonic() - start
        progress = elapsed / (60 * arguments.minutes)
        if progress >= 1:
            break
        rate = arguments.lr * min(1.0, (step + 1) / 100) * (1 - progress if arguments.decay else 1.0)
        for optimiser in (muon, adam):
            for group in optimiser.param_groups:
                group["lr"] = rate
        total = []
        for batch in (batches.sums(arguments.sum_rows), batches.mixed(arguments.mixed_tokens)):
            loss = model.loss(*batch) / batch[2].sum()
            loss.backward()
            total.append(loss.item())
        torch.nn.utils.clip_grad_norm_(model.parameters(), 2.0)
        muon.step()
        adam.step()
        model.zero_grad()
        step += 1
        keep = min(arguments.ema, step / (step + 10))
        with torch.no_grad():
            for name, value in model.state_dict().items():
                ema[name].lerp_(value, 1 - keep)
        losses.append(total)
        if step % 100 == 0:
            mean = torch.tensor(losses).mean(0).tolist()
            losses = []
            right = check(model, fresh)
            print(f"step {step} {before + elapsed:.0f} s lr {rate:.5f} loss sums {mean[0]:.4f} mixed {mean[1]:.4f} "
                  f"right sums {right[0]:.3f} mixed {right[1]:.3f}", flush=True)
        if time.monotonic() - saved > 240:
            save(arguments.out, model, ema, muon, adam, before + time.monotonic() - start, step)
            saved = time.monotonic()
    save(arguments.out, model, ema, muon, adam, before + time.monotonic() - start, step)


if __name__ == "__main__":
    main()
