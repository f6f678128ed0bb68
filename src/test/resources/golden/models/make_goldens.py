"""Makes the folders beside this file: tiny random Llama models, and what transformers computes with them in float32 on a CPU.

    python make_goldens.py          # torch 2.13, transformers 5.19

Each folder holds a model in Hugging Face layout and
    golden.json   [{"prompt": ids, "positions": indices whose logits are kept, "greedy": ids of the greedy continuation,
                    "margin": least distance between the two greatest logits on the way}]
    golden.f32    for each case, for each position: [vocabulary] float32, little-endian
Weights are drawn wide enough (see `randomise`) that attention is not uniform and greedy choices are not close calls.
"""

import json
import pathlib
import shutil

import torch
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM

HERE = pathlib.Path(__file__).parent
GREEDY_TOKENS = 12
LEAST_MARGIN = 0.05
BASE = dict(hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=4,
            vocab_size=64, max_position_embeddings=512, rms_norm_eps=1e-5, bos_token_id=1, eos_token_id=2,
            rope_parameters=dict(rope_type="default", rope_theta=10000.0))
LLAMA3 = dict(rope_type="llama3", rope_theta=500.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
              original_max_position_embeddings=64)
YARN = dict(rope_type="yarn", rope_theta=1000.0, factor=8.0, original_max_position_embeddings=64)
MODELS = {
    "mha-f32": (torch.float32, {}),
    "gqa-f16": (torch.float16, dict(num_key_value_heads=2, vocab_size=129)),
    "tied-bf16": (torch.bfloat16, dict(num_key_value_heads=1, vocab_size=300, tie_word_embeddings=True)),
    "attention-bias-f32": (torch.float32, dict(attention_bias=True, num_key_value_heads=2)),
    "all-biases-bf16": (torch.bfloat16, dict(attention_bias=True, mlp_bias=True, vocab_size=97)),
    "head-dim-f16": (torch.float16, dict(head_dim=16, num_key_value_heads=2)),
    "rope-linear-bf16": (torch.bfloat16, dict(rope_parameters=dict(rope_type="linear", rope_theta=1000.0, factor=4.0))),
    "rope-llama3-old-config-bf16": (torch.bfloat16, dict(rope_parameters=LLAMA3)),
    "rope-yarn-f32": (torch.float32, dict(rope_parameters=YARN, head_dim=16, num_attention_heads=2, num_key_value_heads=1)),
    "rope-yarn-mscale-f16": (torch.float16, dict(rope_parameters=dict(
        YARN, mscale=1.0, mscale_all_dim=0.5, beta_fast=16.0, beta_slow=2.0, truncate=False), num_key_value_heads=2)),
    "sharded-bf16": (torch.bfloat16, dict(num_hidden_layers=3)),
}


def randomise(model, generator):
    for name, parameter in model.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        with torch.no_grad():
            if "norm" in name:
                parameter.copy_(1 + 0.2 * noise)
            elif name.endswith("bias"):
                parameter.copy_(0.3 * noise)
            elif "embed" in name or "lm_head" in name:
                parameter.copy_(0.5 * noise)
            else:
                parameter.copy_(1.5 * noise / parameter.shape[1] ** 0.5)


def to_old_config(folder):
    path = folder / "config.json"
    config = json.loads(path.read_text())
    rope = config.pop("rope_parameters")
    config["rope_theta"] = rope.pop("rope_theta")
    config["rope_scaling"] = rope
    path.write_text(json.dumps(config, indent=2) + "\n")


def greedy(model, prompt):
    ids, margin = list(prompt), float("inf")
    for _ in range(GREEDY_TOKENS):
        top = model(torch.tensor([ids])).logits[0, -1].topk(2)
        margin = min(margin, (top.values[0] - top.values[1]).item())
        ids.append(top.indices[0].item())
    return ids[len(prompt):], margin


def case(model, length, generator):
    """A prompt whose greedy continuation has no close call; drawn again until there is one."""
    vocabulary = model.config.vocab_size
    while True:
        prompt = torch.randint(vocabulary, (length,), generator=generator).tolist()
        tokens, margin = greedy(model, prompt)
        if margin > LEAST_MARGIN:
            break
    positions = sorted({0, length // 2, length - 1})
    logits = model(torch.tensor([prompt])).logits[0, positions]
    return dict(prompt=prompt, positions=positions, greedy=tokens, margin=round(margin, 4)), logits


def make(index, name, dtype, changes):
    folder = HERE / name
    shutil.rmtree(folder, ignore_errors=True)
    generator = torch.Generator().manual_seed(1000 + index)
    model = LlamaForCausalLM(LlamaConfig(**{**BASE, **changes}))
    randomise(model, generator)
    shards = dict(max_shard_size="20KB") if name.startswith("sharded") else {}
    model.to(dtype).save_pretrained(folder, **shards)
    if "old-config" in name:
        to_old_config(folder)
    reloaded = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    cases, logits = [], []
    with torch.no_grad():
        for length in (1, 7, 70, 300):
            c, l = case(reloaded, length, generator)
            cases.append(c)
            logits.append(l.contiguous().flatten())
    (folder / "golden.json").write_text("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]\n")
    (folder / "golden.f32").write_bytes(torch.cat(logits).numpy().astype("<f4").tobytes())
    print(name, [c["margin"] for c in cases], "logits within", float(torch.cat(logits).abs().max()))


if __name__ == "__main__":
    torch.set_num_threads(1)
    for i, (model_name, (element_type, config_changes)) in enumerate(MODELS.items()):
        make(i, model_name, element_type, config_changes)
