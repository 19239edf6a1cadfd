"""vLLM beside the HF path on a GPU: the llm-jp-3-13b shape with random weights, a base and adapters, part by part.

    python bench/vllm_generate.py --folder /tmp/vg build            # the model and its adapters, once
    python bench/vllm_generate.py --folder /tmp/vg bare             # vLLM as it comes, on the same nf4 values
    python bench/vllm_generate.py --folder /tmp/vg ours             # the engine vllm of the harness; again: warm
    python bench/vllm_generate.py --folder /tmp/vg hf               # the HF path on the same job
    python bench/vllm_generate.py --folder /tmp/vg parity           # both on the same answers, token by token
    python bench/vllm_generate.py --folder /tmp/vg --small ours|hf  # memory capped at 22 GiB, weights stay 4-bit

Each part is a process of its own and prints one line of JSON, which it also appends to ``vllm_generate.jsonl`` in $OUT
or the current folder. "Everything" is from the first look at the model's folder to the last answer, with the start of
the engine; "generation" is what is left without loading, starting and gates. HARNESS_CACHE decides where compiled
kernels are kept: an empty one makes ``ours`` a cold start.
"""

import importlib

if __name__ == "__main__":  # vLLM starts its engine in a process that imports this file again
    importlib.import_module("vllm_parts").main(__doc__)
