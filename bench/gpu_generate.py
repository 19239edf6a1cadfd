"""Throughput of local models on a GPU: a base and adapters of the llm-jp-3-13b shape, weights drawn at random.

    python bench/gpu_generate.py [--shape 13b|thin|tiny] [--adapters 4] [--rows 100] [--new-tokens 512]
    python bench/gpu_generate.py --uneven --refill both --adapters 1     # answers of unlike length, old loop and new

Builds a model folder, a tokenizer and LoRA adapters (rank 16, all linear layers), then answers the same prompts with
the base and each adapter through `open_local`, as `harness eval` does, and, for comparison, with the loop that
notebooks use (4-bit, one prompt at a time). Writes ``gpu_generate.json`` into $OUT or the current folder. "Everything"
is from the first look at the folder to the last answer: loading, quantising, attaching, the adapter gate, capturing,
generating.
"""

import argparse
import contextlib
import json
import os
import platform
import random
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
import transformers
from refills import counted, uneven
from safetensors.torch import save_file
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from transformers import (
    AutoModelForCausalLM,
    BitsAndBytesConfig,
    GenerationConfig,
    LlamaConfig,
    PreTrainedTokenizerFast,
)

from harness.models.hf import BASE_MODELS, open_local
from harness.models.hf.forward_cuda_graph import GraphSteps
from harness.types import Message, ModelSpec, RenderedPrompt, Request, Sampling

LLM_JP_13B = {
    "hidden_size": 5120,
    "intermediate_size": 13824,
    "num_hidden_layers": 40,
    "num_attention_heads": 40,
    "num_key_value_heads": 40,
    "vocab_size": 99584,
    "max_position_embeddings": 4096,
    "rms_norm_eps": 1e-5,
    "tie_word_embeddings": False,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": 4,
}
SHAPES: dict[str, dict[str, Any]] = {
    "13b": LLM_JP_13B,
    "3.7b": LLM_JP_13B
    | {
        "hidden_size": 3072,
        "intermediate_size": 8192,
        "num_hidden_layers": 28,
        "num_attention_heads": 24,
        "num_key_value_heads": 24,
    },
    "thin": LLM_JP_13B | {"num_hidden_layers": 4},  # the true layers, a tenth of them: for profiling
    "tiny": LLM_JP_13B
    | {
        "hidden_size": 128,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "vocab_size": 512,
    },
}
SPECIAL = {0: "<unk>", 1: "<s>", 2: "</s>", 4: "<pad>"}
RANK = 16
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


def build_model(folder: Path, shape: str) -> None:
    """Write a model with random weights, and a tokenizer with one word for each id."""
    config = LlamaConfig(**SHAPES[shape])
    torch.manual_seed(0)
    with torch.device(DEVICE):
        model = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)
    model.save_pretrained(folder, max_shard_size="4GB")
    vocabulary = {SPECIAL.get(index, f"t{index}"): index for index in range(config.vocab_size)}
    words = Tokenizer(WordLevel(vocabulary, unk_token=SPECIAL[0]))
    words.pre_tokenizer = WhitespaceSplit()
    PreTrainedTokenizerFast(
        tokenizer_object=words, unk_token=SPECIAL[0], bos_token=SPECIAL[1], eos_token=SPECIAL[2], pad_token=SPECIAL[4]
    ).save_pretrained(folder)


def build_adapter(folder: Path, base: Path, shape: str, seed: int) -> None:
    """Write a LoRA adapter on all linear layers, as peft saves one."""
    config = LlamaConfig(**SHAPES[shape])
    hidden, inner = config.hidden_size, config.intermediate_size
    sizes = {f"self_attn.{name}_proj": (hidden, hidden) for name in "qkvo"}
    sizes |= {"mlp.gate_proj": (hidden, inner), "mlp.up_proj": (hidden, inner), "mlp.down_proj": (inner, hidden)}
    generator = torch.Generator().manual_seed(seed)
    tensors = {}
    for layer in range(config.num_hidden_layers):
        for name, (width, out) in sizes.items():
            key = f"base_model.model.model.layers.{layer}.{name}"
            tensors[f"{key}.lora_A.weight"] = torch.randn(RANK, width, generator=generator) / width**0.5
            tensors[f"{key}.lora_B.weight"] = torch.randn(out, RANK, generator=generator) * 0.002
    folder.mkdir(parents=True)
    save_file(tensors, folder / "adapter_model.safetensors", metadata={"format": "pt"})
    settings = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": str(base),
        "r": RANK,
        "lora_alpha": 32,
        "lora_dropout": 0.05,
        "target_modules": [name.rpartition(".")[2] for name in sizes],
    }
    (folder / "adapter_config.json").write_text(json.dumps(settings), encoding="utf-8")


def prompts(rows: int, vocabulary: int, new_tokens: int) -> list[Request]:
    """Return requests of 30 to 250 tokens, as the competition's tasks have."""
    draw = random.Random(0)  # noqa: S311 - a benchmark's prompts
    requests = []
    for index in range(rows):
        length = draw.randint(30, 249)
        text = " ".join(f"t{draw.randrange(10, vocabulary)}" for _ in range(length))
        requests.append(
            Request(
                key=f"{index:04}",
                task="bench",
                sample_id=str(index),
                model="bench",
                prompt="bench",
                repeat=0,
                rendered=RenderedPrompt(messages=(Message(role="user", content=text),)),
                sampling=Sampling(max_new_tokens=new_tokens),
            )
        )
    return requests


@contextlib.contextmanager
def clock(into: dict[str, Any], name: str) -> Iterator[None]:
    """Put the seconds that a block takes into a dictionary."""
    began = time.perf_counter()
    yield
    if DEVICE == "cuda":
        torch.cuda.synchronize()
    into[name] = round(time.perf_counter() - began, 2)


def evaluate(
    base: Path, adapters: list[Path], requests: list[Request], settings: dict[str, Any], refill: str
) -> dict[str, Any]:
    """Answer the requests with the base and every adapter, and return the figures.

    ``refill``: on, off, or both, one after the other on the loaded model, behind a few answers that warm it up.
    """
    found: dict[str, Any] = {"models": []}
    common: dict[str, Any] = {"base": str(base), "settings": settings}
    specs = [ModelSpec(text="base", label="base", backend="base", **common)]
    specs += [
        ModelSpec(text=f"adapter:{adapter}", label=adapter.name, backend="adapter", target=str(adapter), **common)
        for adapter in adapters
    ]
    tokens = 0
    with clock(found, "everything_s"):
        for spec in specs:
            row: dict[str, Any] = {"model": spec.label}
            with clock(row, "open_s"):
                model = open_local(spec)
            with clock(row, "load_s"):
                model._base()  # noqa: SLF001 - to time loading apart
            if refill == "both":
                list(model.generate([short(one) for one in requests[:4]]))
                with clock(row, "without_refilling_s"), counted(refilling=False) as row["without_refilling"]:
                    before = {one.request_key: one.text for one in model.generate(requests)}
            with clock(row, "generate_s"), counted(refilling=refill != "off") as row["loop"]:
                answers = list(model.generate(requests))
            if refill == "both":
                row["faster"] = round(row["without_refilling_s"] / row["generate_s"], 3)
                row["same_texts"] = sum(before[one.request_key] == one.text for one in answers)
            errors = [answer.error for answer in answers if answer.error]
            row["tokens"] = sum(answer.tokens_out or 0 for answer in answers)
            row["tokens_per_s"] = round(row["tokens"] / row["generate_s"], 1)
            row["stopped_early"] = sum(answer.finish_reason == "stop" for answer in answers)
            row["notices"] = list(model.notices())
            row["fingerprint"] = model.fingerprint
            row["errors"] = errors[:3]
            tokens += row["tokens"]
            found["models"].append(row)
            print(json.dumps(row, ensure_ascii=False), flush=True)
    found["tokens"] = tokens
    found["loads"] = BASE_MODELS.loads
    found["tokens_per_s_over_everything"] = round(tokens / found["everything_s"], 1)
    if DEVICE == "cuda":
        found["peak_allocated_GB"] = round(torch.cuda.max_memory_allocated() / 1e9, 2)
        found["peak_reserved_GB"] = round(torch.cuda.max_memory_reserved() / 1e9, 2)
    return found


def short(request: Request) -> Request:
    """Return a request for four tokens."""
    return replace(request, sampling=replace(request.sampling, max_new_tokens=4))


def notebook_loop(base: Path, requests: list[Request], rows: int, new_tokens: int) -> dict[str, Any]:
    """Answer a few requests the way the course's notebooks do: 4-bit, one at a time, transformers' ``generate``."""
    BASE_MODELS.clear()
    quantized = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16)
    model = AutoModelForCausalLM.from_pretrained(
        base, dtype=torch.bfloat16, device_map={"": 0}, quantization_config=quantized
    ).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(base)
    config = GenerationConfig(
        max_new_tokens=new_tokens, min_new_tokens=new_tokens, do_sample=False, repetition_penalty=1.2, pad_token_id=4
    )
    found: dict[str, Any] = {"tokens": 0}
    for index, request in enumerate(requests[: rows + 1]):
        ids = tokenizer(request.rendered.text, return_tensors="pt", return_token_type_ids=False).to(DEVICE)
        began = time.perf_counter()
        with torch.inference_mode():
            model.generate(**ids, generation_config=config)
        torch.cuda.synchronize()
        if index:  # the first one warms up
            found["tokens"] += new_tokens
            found["seconds"] = found.get("seconds", 0) + time.perf_counter() - began
    found["tokens_per_s"] = round(found["tokens"] / found["seconds"], 1)
    return found


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", choices=SHAPES, default="13b")
    parser.add_argument("--adapters", type=int, default=4)
    parser.add_argument("--rows", type=int, default=100)
    parser.add_argument("--new-tokens", type=int, default=512)
    parser.add_argument("--notebook-rows", type=int, default=3, help="prompts for the notebook loop; 0 leaves it out")
    parser.add_argument("--route", choices=("auto", "plain"), default="auto", help="plain: nf4 layers stay 4-bit")
    parser.add_argument("--batch-rows", type=int, help="most rows of a batch")
    parser.add_argument("--uneven", action="store_true", help="answers of unlike length, --new-tokens at most")
    parser.add_argument("--refill", choices=("on", "off", "both"), default="on", help="places of rows that ended")
    parser.add_argument("--refill-cost", type=float, help="passes that entering is taken to cost, with CUDA graphs")
    parser.add_argument("--folder", type=Path, help="where the model lies or is built (13b: 28 GB); kept if given")
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="gpu-generate-"))
    base = folder / "llmjp"
    figures: dict[str, Any] = {
        "date": time.strftime("%Y-%m-%d"),
        "shape": options.shape,
        "rows": options.rows,
        "new_tokens": options.new_tokens,
        "route": options.route,
        "uneven": options.uneven,
        "device": torch.cuda.get_device_name() if DEVICE == "cuda" else platform.processor(),
        "versions": {"torch": torch.__version__, "transformers": transformers.__version__},
    }
    try:
        with clock(figures, "build_s"):
            if not (base / "config.json").exists():
                build_model(base, options.shape)
            adapters = [folder / f"adapter-{index}" for index in range(options.adapters)]
            for seed, adapter in enumerate(adapters):
                if not adapter.exists():
                    build_adapter(adapter, base, options.shape, seed)
        if DEVICE == "cuda":
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()
        requests = prompts(options.rows, SHAPES[options.shape]["vocab_size"], options.new_tokens)
        GraphSteps.refill_cost = options.refill_cost or GraphSteps.refill_cost
        requests = uneven(requests) if options.uneven else requests
        settings: dict[str, Any] = {"fast_dequantize": False} if options.route == "plain" else {}
        settings |= {"max_batch_rows": options.batch_rows} if options.batch_rows else {}
        figures |= evaluate(base, adapters, requests, settings, options.refill)
        if DEVICE == "cuda" and options.notebook_rows:
            figures["notebook"] = notebook_loop(base, requests, options.notebook_rows, 100)
    finally:
        out = Path(os.environ.get("OUT", ".")) / "gpu_generate.json"
        out.write_text(json.dumps(figures, indent=1, ensure_ascii=False), encoding="utf-8")
        if options.folder is None:
            shutil.rmtree(folder)
    print(json.dumps({key: value for key, value in figures.items() if key != "models"}, ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main()
