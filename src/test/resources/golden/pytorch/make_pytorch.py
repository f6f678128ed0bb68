"""Makes the PyTorch folders beside this file: models of ../models, saved by torch.save, with the same goldens.

    python make_pytorch.py          # torch 2.13, safetensors

single-f16    pytorch_model.bin with parameters, tensors that share a storage, one that is stored transposed, and a module's _metadata
sharded-bf16  three shards and their index; views of a common storage at offsets
"""

import collections
import json
import pathlib
import shutil

import torch
from safetensors.torch import load_file

HERE = pathlib.Path(__file__).parent
MODELS = HERE.parent / "models"


def folder_of(name, source):
    folder = HERE / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for file in ("config.json", "golden.json", "golden.f32"):
        shutil.copy(MODELS / source / file, folder / file)
    return folder


def single():
    folder = folder_of("single-f16", "gqa-f16")
    weights = load_file(MODELS / "gqa-f16" / "model.safetensors")
    state = collections.OrderedDict()
    state._metadata = collections.OrderedDict({"": dict(version=1)})
    together = torch.cat([weights["model.layers.0.mlp.gate_proj.weight"], weights["model.layers.0.mlp.up_proj.weight"]])
    rows = together.shape[0] // 2
    for name, weight in weights.items():
        if name == "model.layers.0.mlp.gate_proj.weight":
            weight = together[:rows]
        elif name == "model.layers.0.mlp.up_proj.weight":
            weight = together[rows:]
        elif name == "model.layers.1.mlp.down_proj.weight":
            weight = weight.t().contiguous().t()
        elif name.endswith("o_proj.weight"):
            weight = torch.nn.Parameter(weight)
        state[name] = weight
    torch.save(state, folder / "pytorch_model.bin")


def sharded():
    folder = folder_of("sharded-bf16", "sharded-bf16")
    weights = {}
    for file in (MODELS / "sharded-bf16").glob("*.safetensors"):
        weights.update(load_file(file))
    names = sorted(weights)
    weight_map = {}
    for shard in range(3):
        file = f"pytorch_model-{shard + 1:05d}-of-00003.bin"
        part = names[shard::3]
        flat = torch.cat([torch.zeros(5, dtype=torch.bfloat16)] + [weights[n].flatten() for n in part])
        state, at = {}, 5
        for n in part:
            state[n] = flat[at:at + weights[n].numel()].view(weights[n].shape)
            at += weights[n].numel()
            weight_map[n] = file
        torch.save(state, folder / file)
    index = dict(metadata=dict(total_size=sum(w.numel() * 2 for w in weights.values())), weight_map=weight_map)
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps(index, indent=1) + "\n")


if __name__ == "__main__":
    single()
    sharded()
