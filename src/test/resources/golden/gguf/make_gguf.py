"""Makes the GGUF models beside this file and what transformers computes with them in float32, in the form that ../models has.

    python make_gguf.py          # torch 2.13, transformers 5.19, gguf 0.19, accelerate 1

Each folder holds
    model.gguf    a tiny random Llama; quantised types by the gguf package, q and k rows in GGUF's order
    golden.json, golden.f32      see ../models/make_goldens.py; from from_pretrained(gguf_file=...), which widens all weights to float32
Transformers doesn't read rope_freqs.weight: of rope-factors-f32 the golden comes from the model that was written.
"""

import importlib.util
import json
import pathlib
import shutil
import sys

import gguf
import numpy as np
import torch
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM

HERE = pathlib.Path(__file__).parent
spec = importlib.util.spec_from_file_location("make_goldens", HERE.parent / "models" / "make_goldens.py")
goldens = importlib.util.module_from_spec(spec)
spec.loader.exec_module(goldens)

Q = gguf.GGMLQuantizationType
BASE = dict(hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, head_dim=8,
            vocab_size=64, max_position_embeddings=512, rms_norm_eps=1e-5, bos_token_id=1, eos_token_id=2,
            rope_parameters=dict(rope_type="default", rope_theta=10000.0))
LLAMA3 = dict(rope_type="llama3", rope_theta=500.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
              original_max_position_embeddings=64)
MODELS = {
    "f32": (Q.F32, {}),
    "f16": (Q.F16, dict(num_key_value_heads=4)),
    "q8_0": (Q.Q8_0, {}),
    "q4_0-tied": (Q.Q4_0, dict(tie_word_embeddings=True, num_key_value_heads=1)),
    "q4_1-head-dim": (Q.Q4_1, dict(head_dim=16, num_attention_heads=2, num_key_value_heads=1)),
    "rope-factors-f32": (Q.F32, dict(rope_parameters=LLAMA3)),
}
LAYER = {
    "input_layernorm": "attn_norm", "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output", "post_attention_layernorm": "ffn_norm", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}


def gguf_name(name):
    for ours, theirs in (("model.embed_tokens", "token_embd"), ("model.norm", "output_norm"), ("lm_head", "output")):
        if name.startswith(ours + "."):
            return theirs + name[len(ours):]
    _, _, layer, module = name.split(".", 3)
    module, end = module.rsplit(".", 1)
    return f"blk.{layer}.{LAYER[module]}.{end}"


def pairs(weight, heads):
    """Rows of each head from halves to neighbouring pairs."""
    rows, cols = weight.shape
    return weight.reshape(heads, 2, rows // heads // 2, cols).swapaxes(1, 2).reshape(rows, cols)


def rope_factors(config):
    """By what GGUF files of Llama 3 divide the frequencies: the scaling that the model was trained with, computed when it was converted."""
    rope, half = config.rope_parameters, config.head_dim // 2
    base = 1.0 / rope["rope_theta"] ** (np.arange(half) * 2.0 / config.head_dim)
    wavelength = 2 * np.pi / base
    original = rope["original_max_position_embeddings"]
    smooth = (original / wavelength - rope["low_freq_factor"]) / (rope["high_freq_factor"] - rope["low_freq_factor"])
    between = 1 / ((1 - smooth) / rope["factor"] + smooth)
    return np.where(wavelength < original / rope["high_freq_factor"], 1,
                    np.where(wavelength > original / rope["low_freq_factor"], rope["factor"], between)).astype(np.float32)


def write(path, model, kind):
    config = model.config
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_key_length(config.head_dim)
    writer.add_value_length(config.head_dim)
    writer.add_rope_dimension_count(config.head_dim)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_vocab_size(config.vocab_size)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list([f"t{i}" for i in range(config.vocab_size)])
    writer.add_token_types([1] * config.vocab_size)
    writer.add_token_merges([])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    if config.rope_parameters["rope_type"] == "llama3":
        writer.add_tensor("rope_freqs.weight", rope_factors(config))
    for name, weight in model.state_dict().items():
        if name == "lm_head.weight" and config.tie_word_embeddings:
            continue
        data = weight.numpy()
        if "q_proj" in name:
            data = pairs(data, config.num_attention_heads)
        if "k_proj" in name:
            data = pairs(data, config.num_key_value_heads)
        as_type = Q.F32 if data.ndim == 1 else kind
        writer.add_tensor(gguf_name(name), gguf.quants.quantize(data, as_type), raw_dtype=as_type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def make(index, name, kind, changes):
    folder = HERE / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    generator = torch.Generator().manual_seed(3000 + index)
    model = LlamaForCausalLM(LlamaConfig(**{**BASE, **changes})).eval()
    goldens.randomise(model, generator)
    write(folder / "model.gguf", model, kind)
    if "factors" not in name:
        model = AutoModelForCausalLM.from_pretrained(folder, gguf_file="model.gguf", dtype=torch.float32, attn_implementation="eager").eval()
    cases, logits = [], []
    with torch.no_grad():
        for length in (1, 7, 70, 300):
            c, l = goldens.case(model, length, generator)
            cases.append(c)
            logits.append(l.contiguous().flatten())
    (folder / "golden.json").write_text("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]\n")
    (folder / "golden.f32").write_bytes(torch.cat(logits).numpy().astype("<f4").tobytes())
    print(name, [c["margin"] for c in cases], "logits within", float(torch.cat(logits).abs().max()))


if __name__ == "__main__":
    torch.set_num_threads(1)
    for i, (model_name, (element_type, config_changes)) in enumerate(MODELS.items()):
        if len(sys.argv) < 2 or model_name in sys.argv[1:]:
            make(i, model_name, element_type, config_changes)
