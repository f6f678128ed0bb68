"""The Llama decoder for training: parameters named and shaped as in the Hugging Face checkpoint, nothing for inference."""

import torch
from torch import nn
from torch.nn import functional as F

CONFIG = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "vocab_size": 2816,
    "hidden_size": 256,
    "intermediate_size": 512,
    "num_hidden_layers": 5,
    "num_attention_heads": 8,
    "num_key_value_heads": 4,
    "head_dim": 32,
    "hidden_act": "silu",
    "max_position_embeddings": 2048,
    "rope_theta": 10000.0,
    "rms_norm_eps": 1e-5,
    "attention_bias": False,
    "mlp_bias": False,
    "tie_word_embeddings": True,
    "initializer_range": 0.02,
    "use_cache": True,
    "bos_token_id": None,
    "eos_token_id": [2, 0],
    "pad_token_id": 0,
    "torch_dtype": "bfloat16",
}


class _Bf16Product(torch.autograd.Function):
    """x @ w.T with bf16 factors and f32 sums, forwards and backwards; everything around it stays f32."""

    @staticmethod
    def forward(ctx, x, w):
        x16, w16 = x.bfloat16(), w.bfloat16()
        ctx.save_for_backward(x16, w16)
        return (x16 @ w16.T).float()

    @staticmethod
    def backward(ctx, grad):
        x16, w16 = ctx.saved_tensors
        grad16 = grad.bfloat16()
        return (grad16 @ w16).float(), (x16.T @ grad16).T.float()


class Bf16Linear(nn.Linear):
    """A linear layer without bias whose products are taken in bf16, as the finished model's are."""

    def forward(self, x):
        return _Bf16Product.apply(x.reshape(-1, x.shape[-1]), self.weight).view(*x.shape[:-1], -1)


class Attention(nn.Module):
    """Grouped-query self-attention with rotary positions."""

    def __init__(self, c):
        super().__init__()
        self.heads, self.kv_heads, self.head_dim = c["num_attention_heads"], c["num_key_value_heads"], c["head_dim"]
        self.q_proj = Bf16Linear(c["hidden_size"], self.heads * self.head_dim, bias=False)
        self.k_proj = Bf16Linear(c["hidden_size"], self.kv_heads * self.head_dim, bias=False)
        self.v_proj = Bf16Linear(c["hidden_size"], self.kv_heads * self.head_dim, bias=False)
        self.o_proj = Bf16Linear(self.heads * self.head_dim, c["hidden_size"], bias=False)

    def forward(self, x, cos, sin):
        rows, length, _ = x.shape
        q = self.q_proj(x).view(rows, length, self.heads, self.head_dim).transpose(1, 2)
        k = self.k_proj(x).view(rows, length, self.kv_heads, self.head_dim).transpose(1, 2)
        v = self.v_proj(x).view(rows, length, self.kv_heads, self.head_dim).transpose(1, 2)
        q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        group = self.heads // self.kv_heads
        k, v = k.repeat_interleave(group, 1), v.repeat_interleave(group, 1)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.o_proj(mixed.transpose(1, 2).reshape(rows, length, -1))


class Mlp(nn.Module):
    """SwiGLU."""

    def __init__(self, c):
        super().__init__()
        self.gate_proj = Bf16Linear(c["hidden_size"], c["intermediate_size"], bias=False)
        self.up_proj = Bf16Linear(c["hidden_size"], c["intermediate_size"], bias=False)
        self.down_proj = Bf16Linear(c["intermediate_size"], c["hidden_size"], bias=False)

    def forward(self, x):
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Layer(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.input_layernorm = nn.RMSNorm(c["hidden_size"], eps=c["rms_norm_eps"])
        self.self_attn = Attention(c)
        self.post_attention_layernorm = nn.RMSNorm(c["hidden_size"], eps=c["rms_norm_eps"])
        self.mlp = Mlp(c)

    def forward(self, x, cos, sin):
        x = x + self.self_attn(self.input_layernorm(x), cos, sin)
        return x + self.mlp(self.post_attention_layernorm(x))


class Decoder(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.embed_tokens = nn.Embedding(c["vocab_size"], c["hidden_size"])
        self.layers = nn.ModuleList(Layer(c) for _ in range(c["num_hidden_layers"]))
        self.norm = nn.RMSNorm(c["hidden_size"], eps=c["rms_norm_eps"])


class Llama(nn.Module):
    """The whole model; the output head is the embedding."""

    def __init__(self, c=CONFIG):
        super().__init__()
        self.model = Decoder(c)
        half = c["head_dim"] // 2
        angles = torch.outer(torch.arange(c["max_position_embeddings"]).float(),
                             c["rope_theta"] ** (-torch.arange(half).float() / half))
        self.register_buffer("cos", torch.cat([angles.cos()] * 2, -1), persistent=False)
        self.register_buffer("sin", torch.cat([angles.sin()] * 2, -1), persistent=False)
        for name, parameter in self.named_parameters():
            if parameter.dim() == 2:
                residual = name.endswith(("o_proj.weight", "down_proj.weight"))
                scale = (2 * c["num_hidden_layers"]) ** -0.5 if residual else 1.0
                nn.init.normal_(parameter, std=c["initializer_range"] * scale)

    def hidden(self, ids):
        """ids [rows, length] int64 -> states after the last norm [rows, length, hidden_size]."""
        x = self.model.embed_tokens(ids)
        cos, sin = self.cos[: ids.shape[1]], self.sin[: ids.shape[1]]
        for layer in self.model.layers:
            x = layer(x, cos, sin)
        return self.model.norm(x)

    def correct(self, ids, targets, count):
        """Which rows have every target that counts as the likeliest token: greedy decoding would write just them."""
        best = _Bf16Product.apply(self.hidden(ids), self.model.embed_tokens.weight).argmax(-1)
        return ((best == targets) | ~count).all(1)

    def loss(self, ids, targets, count):
        """The summed cross-entropy of the targets that count (`count` [rows, length] bool)."""
        states = self.hidden(ids)[count]
        logits = _Bf16Product.apply(states, self.model.embed_tokens.weight)
        return F.cross_entropy(logits, targets[count], reduction="sum")


def rotate(x, cos, sin):
    """Rotary positions, the two halves of a head paired (x [rows, heads, length, head_dim])."""
    half = x.shape[-1] // 2
    turned = torch.cat([-x[..., half:], x[..., :half]], -1)
    return x * cos + turned * sin
