"""How far quantised arithmetic is from f32, in Skald and in llama.cpp: the tables of logits.md.

    python3 src/docs/logits.py FOLDER LLAMA_SERVER WORK [TYPE…]

FOLDER is a model in Hugging Face layout, LLAMA_SERVER llama.cpp's server program, WORK a folder for GGUF files, which `./skald quantize` makes
there. Every program computes the same prompt of token ids from the same file; what is compared is the log-probability of each next token of the
prompt. "f32" is Skald with --dtype f32 and a KV cache of f32: weights as the file has them, activations never rounded.
"""
import json
import math
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request

TYPES = ["q4_0", "q4_1", "q5_0", "q5_1", "q8_0", "iq4_nl", "q2_k", "q3_k", "q4_k", "q5_k", "q6_k", "f16"]
PORT = 18077
TEXT = """Water boils when the pressure of its vapour is as large as the pressure of the air around it. On a mountain the air is thinner, so water
boils at a lower temperature there, and an egg takes longer to cook. The capital of France is Paris, and the capital of Japan is Tokyo. To make
bread you need flour, water, salt and yeast: mix them, let the dough rise for an hour, then bake it until the crust is brown. def add(a, b): return
a + b. In 1969 two people walked on the Moon for the first time; a third one stayed in orbit. Light from the Sun takes about eight minutes to reach
the Earth, and more than four years to reach the nearest other star. If a train leaves at noon and drives for three hours at eighty kilometres per
hour, it has covered two hundred and forty kilometres."""


def skald(*arguments):
    done = subprocess.run(["./skald", *arguments], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(done.stderr)
    return done.stdout


def prompt_logprobs(model, ids, *flags):
    """Of ids[1:], each behind all before it."""
    out = skald("generate", model, "--prompt-ids", ",".join(map(str, ids)), "--max-tokens", "1", "--prompt-logprobs", "1", "--max-model-len", "1024",
                "--json", *flags)
    return [entry["logprob"] for entry in json.loads(out)["prompt_logprobs"][1:]]


def llama_logprobs(server, model, ids, vocabulary):
    """The same of llama.cpp, which tells likely tokens behind a prompt: so one request for each place."""
    # Ids go in, so how text would be split doesn't matter, and skald-mini's way has no name in llama.cpp.
    process = subprocess.Popen([server, "-m", model, "-t", "2", "-c", "1024", "-np", "1", "--port", str(PORT), "--override-kv", "tokenizer.ggml.pre=str:gpt-2"],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(120):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{PORT}/health").read()
                break
            except (urllib.error.URLError, ConnectionError):
                if process.poll() is not None:
                    sys.exit(f"{server} can't load {model}")
                time.sleep(0.5)
        logprobs = []
        for place in range(1, len(ids)):
            found = llama_logprob(ids[:place], ids[place], min(500, vocabulary))
            # rare tokens stand further down
            logprobs.append(found if found is not None else llama_logprob(ids[:place], ids[place], vocabulary))
        return logprobs
    finally:
        process.terminate()
        process.wait()


def llama_logprob(prompt, token, among):
    """Of a token behind a prompt, if it is among so many likely ones."""
    body = {"prompt": prompt, "n_predict": 1, "n_probs": among, "temperature": 0, "cache_prompt": True}
    request = urllib.request.Request(f"http://127.0.0.1:{PORT}/completion", json.dumps(body).encode(), {"Content-Type": "application/json"})
    top = json.load(urllib.request.urlopen(request))["completion_probabilities"][0]["top_logprobs"]
    return next((entry["logprob"] for entry in top if entry["id"] == token), None)


def distance(a, b):
    """Root mean square and greatest of the differences."""
    differences = [abs(x - y) for x, y in zip(a, b, strict=True)]
    return f"{math.sqrt(sum(d * d for d in differences) / len(differences)):.4f}, {max(differences):.3f}"


def main():
    folder, server, work = sys.argv[1:4]
    types = sys.argv[4:] or TYPES
    ids = [int(i) for i in skald("tokenize", "--model", folder, TEXT.replace("\n", " ")).strip().split(",")]
    with open(os.path.join(folder, "config.json"), encoding="utf-8") as config:
        vocabulary = json.load(config)["vocab_size"]
    original = prompt_logprobs(folder, ids, "--dtype", "f32", "--kv-cache-dtype", "f32")
    print(f"{len(ids)} tokens\n")
    print("| type | weights' rounding: f32 to the original | Skald to f32 | llama.cpp to f32 | Skald to llama.cpp |")
    print("| --- | --- | --- | --- | --- |")
    for name in types:
        model = os.path.join(work, name + ".gguf")
        if not os.path.exists(model):
            skald("quantize", folder, model, "--type", name)
        exact = prompt_logprobs(model, ids, "--dtype", "f32", "--kv-cache-dtype", "f32")
        ours = prompt_logprobs(model, ids)
        theirs = llama_logprobs(server, model, ids, vocabulary)
        print(f"| {name} | {distance(exact, original)} | {distance(ours, exact)} | {distance(theirs, exact)} | {distance(ours, theirs)} |", flush=True)
        os.remove(model)


main()
