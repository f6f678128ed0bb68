"""Blocks of every quantised type, drawn at random, and the numbers that the PyPI package `gguf` (0.19.0) reads in them.

    pip install gguf==0.19.0 && python make_goldens.py

For each type T: T.blocks, the blocks' bytes, and T.f32, their elements, little-endian. Every bit pattern of quants and of group scales is
drawn alike; the f16 scales are made finite, and some of them zero, subnormal, the largest, or negative.
"""
import numpy as np
from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType
from gguf.quants import dequantize

# type -> byte offsets of its f16 scales
TYPES = {
    "Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0], "IQ4_NL": [0],
    "Q2_K": [80, 82], "Q3_K": [108], "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208],
}
SPECIAL = np.array([0.0, -0.0, 6e-8, -5e-6, 65504.0, -65504.0], dtype=np.float16)

rng = np.random.default_rng(20261124)
for name, offsets in TYPES.items():
    quantisation = GGMLQuantizationType[name]
    elements, size = GGML_QUANT_SIZES[quantisation]
    count = 40 if elements == 32 else 10
    blocks = rng.integers(0, 256, (count, size), dtype=np.uint8)
    for offset in offsets:
        scale = (rng.standard_normal(count) * 0.02).astype(np.float16)
        scale[: len(SPECIAL)] = rng.permutation(SPECIAL)
        blocks[:, offset : offset + 2] = scale.view(np.uint8).reshape(count, 2)
    values = dequantize(blocks, quantisation).astype("<f4")
    assert np.isfinite(values).all() and values.size == count * elements
    blocks.tofile(f"{name}.blocks")
    values.tofile(f"{name}.f32")
