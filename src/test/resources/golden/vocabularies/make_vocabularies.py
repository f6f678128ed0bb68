"""Makes the vocabularies beside this file, and records what the libraries that they come from say of them.

    python make_vocabularies.py          # tokenizers 0.23, sentencepiece 0.2, gguf 0.19

<pre>.gguf         a vocabulary without weights: byte-level BPE trained with the named pre-tokenizer, as Hugging Face's library knows it
spm-bpe/           tokenizer.model: sentencepiece BPE as Llama 2 has it (identity, byte fallback), one user-defined piece
spm-unigram/       tokenizer.model: sentencepiece unigram with its default normalisation, tokens added by the files beside it
spm-bpe.gguf       the first of the two as GGUF files hold it
<name>.json        [{"text", "ids" (nothing special in the text, nothing around it), "around" (with what the model expects around a text)}]
Training is not deterministic, so what is here is kept. The training text is that of ../tokenizers.
"""

import importlib.util
import io
import json
import pathlib
import sys

import gguf
import sentencepiece
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

HERE = pathlib.Path(__file__).parent
spec = importlib.util.spec_from_file_location("make_tokenizers", HERE.parent / "tokenizers" / "make_tokenizers.py")
source = importlib.util.module_from_spec(spec)
spec.loader.exec_module(source)

SPECIAL = ["<|begin|>", "<|im_start|>", "<|im_end|>"]
TEXTS = source.TEXTS + [
    "In 2024, 1234567 people paid 3.50 each; 007 paid 0.", "x=10**9+7", "١٢٣ ٤٥٦", "²³ ½ Ⅷ", "I'LL say IT'S Don'T", "'s 's're 'VE",
    "camelCase HTTPServer parseJSON2XML", "foo_bar->baz[3]::qux()", "a\n\n\n  b\n \n\tc", "trailing   \n", "   \n  leading", "tabs\t\t\tand spaces",
    "русский ТЕКСТ Смешанный", "日本語テキスト、カタカナ。ひらがな！", "한국어 텍스트 띄어쓰기", "中文，标点：符号（测试）。", "Ǆ ǅ ǆ ﬀ Ａ１",
    "e\u0301 vs é", "Å Å", "https://example.org/a?b=c&d=%20#e", "“quotes” ‘single’ – dash — em…", "#include <stdio.h>\nint main(void) { return 0; }\n",
    "price: $5.99/€4,50 (50% off!!!)", "\u3000wide\u3000space", "word\u2028line sep", "a" + " " * 40 + "b",
]

LLAMA_3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
DEEPSEEK_3 = (r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*"""
              r"""|\s*[\r\n]+|\s+(?!\S)|\s+""")
TEKKEN = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
          r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
          r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")


def cut(pattern):
    return pre_tokenizers.Split(Regex(pattern), "isolated")


BYTES = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
WORDS = pre_tokenizers.ByteLevel(add_prefix_space=False)
DIGITS = pre_tokenizers.Digits(individual_digits=True)
HAN = cut("[一-龥ࠀ-一가-\ud7ff]+")
PRE = {
    "gpt-2": (None, [WORDS], False),
    "smollm": (None, [DIGITS, WORDS], False),
    "llama-bpe": (None, [cut(LLAMA_3), BYTES], True),
    "qwen2": (normalizers.NFC(), [cut(LLAMA_3.replace(r"\p{N}{1,3}", r"\p{N}")), BYTES], False),
    "tekken": (None, [cut(TEKKEN), BYTES], True),
    "deepseek-llm": (None, [cut("[\r\n]"), cut(r"\s?[\p{Lu}\p{Ll}\p{Lt}]+"), cut(r"\s?[!-/:-~！-／：-～‘-‟　-。]+"), cut(r"\s+$"), HAN, DIGITS, BYTES], False),
    "deepseek-coder": (None, [cut("[\r\n]"), cut(r"\s?\p{L}+"), cut(r"\s?\p{P}+"), HAN, DIGITS, BYTES], False),
    "deepseek-v3": (None, [cut(r"\p{N}{1,3}"), cut("[一-龥぀-ゟ゠-ヿ]+"), cut(DEEPSEEK_3), BYTES], False),
}


def new_writer(path, model, pre=None):
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_tokenizer_model(model)
    if pre:
        writer.add_tokenizer_pre(pre)
    return writer


def finish(writer):
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()


def record(name, ids, around):
    lines = [json.dumps(dict(text=t, ids=ids(t), around=around(t))) for t in TEXTS]
    (HERE / f"{name}.json").write_text("[\n" + ",\n".join(lines) + "\n]\n")


def byte_level(pre):
    normalizer, steps, whole_words = PRE[pre]
    tok = Tokenizer(models.BPE(ignore_merges=whole_words))
    if normalizer:
        tok.normalizer = normalizer
    tok.pre_tokenizer = pre_tokenizers.Sequence(steps)
    tok.decoder = decoders.ByteLevel()
    tok.train_from_iterator(source.corpus(), trainers.BpeTrainer(
        vocab_size=800, special_tokens=SPECIAL, show_progress=False, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    tok.add_tokens([AddedToken("<think>", normalized=False)])
    file = json.loads(tok.to_str())
    pieces = [tok.id_to_token(i) for i in range(tok.get_vocab_size())]
    writer = new_writer(HERE / f"{pre}.gguf", "gpt2", pre)
    writer.add_token_list(pieces)
    writer.add_token_types([3 if p in SPECIAL else 4 if p == "<think>" else 1 for p in pieces])
    writer.add_token_merges([" ".join(m) if isinstance(m, list) else m for m in file["model"]["merges"]])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(2)
    if pre != "llama-bpe" and pre != "tekken":  # there it is the default
        writer.add_add_bos_token(pre == "deepseek-llm")
    begins = pre in ("llama-bpe", "tekken", "deepseek-llm")
    finish(writer)
    # a tokenizer that doesn't know the special tokens sees them as text
    file["added_tokens"] = [t for t in file["added_tokens"] if not t["special"]]
    plain = Tokenizer.from_str(json.dumps(file))
    record(pre, lambda t: plain.encode(t).ids, lambda t: ([0] if begins else []) + tok.encode(t).ids)


def train_spm(folder, **options):
    out = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=source.corpus(), model_writer=out, byte_fallback=True, max_sentence_length=100_000, num_threads=1,
        minloglevel=2, **options)
    (HERE / folder).mkdir(exist_ok=True)
    (HERE / folder / "tokenizer.model").write_bytes(out.getvalue())
    return sentencepiece.SentencePieceProcessor(model_proto=out.getvalue())


def spm_bpe():
    sp = train_spm("spm-bpe", model_type="bpe", vocab_size=700, normalization_rule_name="identity", remove_extra_whitespaces=False,
                   split_digits=True, character_coverage=0.99, user_defined_symbols=["[INST]"])
    record("spm-bpe", sp.encode, lambda t: [1] + sp.encode(t))
    writer = new_writer(HERE / "spm-bpe.gguf", "llama")
    n = sp.get_piece_size()
    writer.add_token_list([sp.id_to_piece(i) for i in range(n)])
    writer.add_token_scores([sp.get_score(i) for i in range(n)])
    kinds = [2 if sp.is_unknown(i) else 3 if sp.is_control(i) else 5 if sp.is_unused(i) else 6 if sp.is_byte(i) else 1 for i in range(n)]
    kinds[sp.piece_to_id("[INST]")] = 4
    writer.add_token_types(kinds)
    writer.add_bos_token_id(sp.bos_id())
    writer.add_eos_token_id(sp.eos_id())
    finish(writer)


def spm_unigram():
    sp = train_spm("spm-unigram", model_type="unigram", vocab_size=440, character_coverage=0.99)
    n = sp.get_piece_size()
    folder = HERE / "spm-unigram"
    (folder / "added_tokens.json").write_text(json.dumps({"<tool>": n}) + "\n")
    (folder / "tokenizer_config.json").write_text(json.dumps(dict(
        add_bos_token=False, add_eos_token=True,
        added_tokens_decoder={"1": dict(content="<s>", special=True), str(n + 1): dict(content="<|end|>", special=True)})) + "\n")
    record("spm-unigram", sp.encode, lambda t: sp.encode(t) + [sp.eos_id()])


if __name__ == "__main__":
    wanted = sys.argv[1:] or [*PRE, "spm-bpe", "spm-unigram"]
    for one in wanted:
        {"spm-bpe": spm_bpe, "spm-unigram": spm_unigram}.get(one, lambda: byte_level(one))()
