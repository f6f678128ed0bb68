#!/usr/bin/env python3
"""Makes the small tokenizers of the tests and records what Python's `tokenizers` says of them.

    pip install 'tokenizers>=0.21' && python make_tokenizers.py

Writes <name>/tokenizer.json and <name>/golden.json ({"encode": [...], "decode": [...]}) beside this script, for
  bytelevel   byte-level BPE as GPT-2, Llama 3 and Qwen have it, ChatML special tokens
  metaspace   BPE as in Llama 2: "▁" for spaces, byte fallback, a leading space that decoding strips
  metafirst   the same vocabulary with the Metaspace pre-tokenizer, prepend scheme "first" (Llama 2, not legacy)
  unigram     Unigram with byte fallback and special tokens inside the vocabulary
  wordpiece   WordPiece: a decoder that only the library itself knows
The training text is written here, by us.
"""
import json
import pathlib
import random

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

HERE = pathlib.Path(__file__).parent
SEED = 20250101

SENTENCES = [
    "The daemon answers one question at a time, and many questions at once.",
    "A token is a piece of a word; a word is a piece of a thought.",
    "Two hundred and twenty-two plus one hundred and eleven is three hundred and thirty-three.",
    "She sells sea shells by the sea shore, and the shells she sells are sea shells.",
    "The capital of a small country is often a small city.",
    "def add(a, b):\n    return a + b\n",
    "for (int i = 0; i < n; i++) { sum += values[i]; }",
    "{\"name\": \"weather\", \"arguments\": {\"city\": \"Reykjavik\", \"days\": 3}}",
    "Ein Skalde sang von Königen, Stürmen und weiten Meeren.",
    "Le poète chante l'été, la forêt et la mer à côté.",
    "中国的首都是北京。", "法国的首都是巴黎。", "这家店的味道不算差，但是有点贵。", "今天天气很好，我们去公园散步。",
    "日本の首都は東京です。", "Столица маленькой страны часто тоже мала.",
    "I don't know; it's what they've said, isn't it?", "   indented   text   with   spaces   ",
]
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]

TEXTS = SENTENCES + [
    "", " ", "  ", "\n", "\n\n", " a", "a ", "a  b", "\ta\tb", "Hello, world!", "héllo wörld", "naïve café", "e\u0301",
    "😀", "👩‍👩‍👧‍👦 family", "🇮🇸 flag", "𝕊𝕜𝕒𝕝𝕕", "\u0000", "a\u0000b", "\u00a0nbsp", "\u200bzero", "ﬁ ligature", "\ufffd", "１２３",
    "▁", "▁▁a", "a▁b", "<0x41>", "<s>", "</s>", "<unk>", "<s> hi </s>", "a<s>b", "[INST] hi [/INST]",
    "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n", "<|im_start|>system\nYou are kind.<|im_end|>\n",
    "  <|im_end|>  x", "<|im_end|><|im_end|>", "<|im_start", "|im_end|>", "<think>\nlet me see\n</think>\n\nyes",
    "x" * 600, "word " * 400, "1234567890", "3.14159e-10", "a\r\nb\rc", "Ж" * 20, "漢字かな交じり文", "กรุงเทพ", "עברית", "العربية",
]


def corpus():
    rng = random.Random(SEED)
    for _ in range(400):
        yield " ".join(rng.sample(SENTENCES, 3))


def byte_level():
    tok = Tokenizer(models.BPE())
    tok.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tok.decoder = decoders.ByteLevel()
    tok.post_processor = processors.ByteLevel(trim_offsets=False)
    trainer = trainers.BpeTrainer(vocab_size=500, special_tokens=[], show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tok.train_from_iterator(corpus(), trainer)
    tok.add_special_tokens([AddedToken(s, special=True, normalized=False) for s in SPECIAL])
    tok.add_tokens([AddedToken("<think>", special=False, normalized=False),
                    AddedToken("</think>", special=False, normalized=False)])
    return tok


def with_byte_tokens(tok, front):
    """The trained tokenizer with the 256 byte tokens after the special ones, as sentencepiece lays them out."""
    spec = json.loads(tok.to_str())
    old = sorted(spec["model"]["vocab"].items(), key=lambda kv: kv[1])
    names = front + [f"<0x{b:02X}>" for b in range(256)]
    names += [name for name, _ in old if name not in names]
    spec["model"]["vocab"] = {name: i for i, name in enumerate(names)}
    spec["model"]["byte_fallback"] = True
    spec["model"]["unk_token"] = "<unk>"
    spec["model"]["fuse_unk"] = True
    spec["added_tokens"] = []
    out = Tokenizer.from_str(json.dumps(spec))
    out.add_special_tokens([AddedToken(s, special=True, normalized=False) for s in front])
    return out


def metaspace():
    tok = Tokenizer(models.BPE())
    tok.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    # spaces split words while training; afterwards the model sees the whole text, as in Llama 2
    tok.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="never")
    trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=[], show_progress=False, limit_alphabet=80)
    tok.train_from_iterator(corpus(), trainer)
    tok = with_byte_tokens(tok, ["<unk>", "<s>", "</s>"])
    spec = json.loads(tok.to_str())
    spec["pre_tokenizer"] = None
    tok = Tokenizer.from_str(json.dumps(spec))
    tok.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(),
                                     decoders.Strip(" ", 1, 0)])
    tok.post_processor = processors.TemplateProcessing(single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", 1)])
    tok.add_special_tokens([AddedToken("[SYS]", special=True, normalized=False, rstrip=True)])
    return tok


def metafirst(base):
    spec = json.loads(base.to_str())
    spec["normalizer"] = None
    tok = Tokenizer.from_str(json.dumps(spec))
    tok.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="first", split=False)
    return tok


def unigram():
    tok = Tokenizer(models.Unigram())
    tok.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    tok.decoder = decoders.Metaspace(replacement="▁", prepend_scheme="always")
    trainer = trainers.UnigramTrainer(vocab_size=300, special_tokens=["<pad>", "</s>", "<unk>"], unk_token="<unk>",
                                      show_progress=False)
    tok.train_from_iterator(corpus(), trainer)
    tok.post_processor = processors.TemplateProcessing(single="$A </s>", pair="$A </s> $B </s>", special_tokens=[("</s>", 1)])
    return tok


def wordpiece():
    tok = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tok.normalizer = normalizers.BertNormalizer()
    tok.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tok.decoder = decoders.WordPiece()
    trainer = trainers.WordPieceTrainer(vocab_size=400, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]"], show_progress=False)
    tok.train_from_iterator(corpus(), trainer)
    return tok


def record(name, tok):
    rng = random.Random(SEED)
    folder = HERE / name
    folder.mkdir(exist_ok=True)
    tok.save(str(folder / "tokenizer.json"))
    encode = [{"text": t, "ids": tok.encode(t, add_special_tokens=False).ids, "special": tok.encode(t).ids} for t in TEXTS]
    size = tok.get_vocab_size()
    runs = [e["ids"] for e in encode] + [[rng.randrange(size) for _ in range(rng.randrange(1, 40))] for _ in range(200)]
    decode = [{"ids": ids, "text": tok.decode(ids, skip_special_tokens=False),
               "skipped": tok.decode(ids, skip_special_tokens=True)} for ids in runs]
    golden = {"vocab_size": size, "encode": encode, "decode": decode}
    (folder / "golden.json").write_text(json.dumps(golden, ensure_ascii=True, separators=(",", ":")) + "\n")
    print(name, size)


if __name__ == "__main__":
    spm = metaspace()
    for name, tok in [("bytelevel", byte_level()), ("metaspace", spm), ("metafirst", metafirst(spm)), ("unigram", unigram()),
                      ("wordpiece", wordpiece())]:
        record(name, tok)
