"""Speed and memory of training steps on the bare model: what dropout, recomputing and compiling cost.

    python bench/bare_training.py [--shape 13b|tiny]
    python bench/bare_training.py --compiled    compiled layers: what a micro-batch of so many tokens takes and keeps

Steps of 8 samples (100–1,000 tokens each, laid end to end) through a base with random weights in bfloat16 and a LoRA
adapter of rank 16 on the seven projections, without the trainer around it. Prints tokens a second and peak memory.
"""

import argparse
import gc
import json
import random
import statistics
import time
from typing import Any

import torch
from gpu_generate import SHAPES
from peft import LoraConfig, get_peft_model
from torch._functorch import config as functorch_config
from transformers import AutoModelForCausalLM, LlamaConfig
from trl.trainer.utils import add_fused_lm_head

from trainers.training.attention import VARLEN, choose_attention, use_attention
from trainers.training.batches import pack, unpack
from trainers.training.compiling import RECOMPUTED, compile_layers, leave_uncompiled
from trainers.training.model import layers_of, recompute

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
PROJECTIONS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
STEPS, SAMPLES = 4, 8
MICRO = [2048, 4096, 6144, 8192, 10240]


def main() -> None:
    """Measure each setting, the compiled one last: it cannot be undone."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", choices=sorted(SHAPES), default="13b")
    parser.add_argument("--compiled", action="store_true", help="micro-batches through compiled layers, by tokens")
    options = parser.parse_args()
    config = LlamaConfig(**SHAPES[options.shape])
    with torch.device(DEVICE):
        base = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)
    use_attention(base, choose_attention(config, DEVICE, torch.bfloat16))
    layers = config.num_hidden_layers
    if options.compiled:
        by_tokens(adapted(base, 0.0), config.vocab_size, [256, 512] if options.shape == "tiny" else MICRO)
        return
    for name, dropout, recomputed, compiled in (
        ("dropout", 0.05, 0, False),
        ("dropout, every layer recomputing", 0.05, layers, False),
        ("no dropout", 0.0, 0, False),
        ("no dropout, half of the layers recomputing", 0.0, layers // 2, False),
        ("no dropout, compiled", 0.0, 0, True),
    ):
        model = adapted(base, dropout)
        recompute(model, recomputed)
        if compiled:
            compile_layers(layers_of(model))
        print(json.dumps({"what": name} | measure(model, config.vocab_size)), flush=True)
        base = model.unload()


def adapted(base: Any, dropout: float) -> Any:
    """Return the base with a new adapter whose weights are float32 under autocast, as training holds them."""
    base.requires_grad_(requires_grad=False)
    lora = LoraConfig(r=16, lora_alpha=32, lora_dropout=dropout, target_modules=PROJECTIONS, task_type="CAUSAL_LM")
    model = get_peft_model(base, lora)
    add_fused_lm_head(model.get_base_model(), outputs=("log_probs", "entropy", "is_top1"))
    for module in model.modules():
        if hasattr(module, "cast_input_dtype_enabled"):
            module.cast_input_dtype_enabled = False
    return model.train()


def by_tokens(model: Any, vocabulary: int, sizes: list[int]) -> None:
    """Print forward and backward of single micro-batches: none recomputing, a third of the layers, torch's own way."""
    layers = layers_of(model)
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    for name, recomputed, tokens in (
        *(("compiled", 0, tokens) for tokens in sizes),
        ("compiled", len(layers) // 3, sizes[-2]),
        *(("as torch chooses by itself", 0, tokens) for tokens in sizes[1:3]),
    ):
        own = name != "compiled"
        if own or tokens == sizes[0]:
            torch.compiler.reset()
            leave_uncompiled(layers)
            compile_layers(layers)
            for reason in RECOMPUTED:
                setattr(functorch_config, reason, own)
        recompute(model, recomputed)
        batch = drawn(tokens, vocabulary)
        took = []
        for turn in range(5):  # the first compiles, or makes room
            if turn == 1 and DEVICE == "cuda":
                torch.cuda.reset_peak_memory_stats()
            before = torch.cuda.memory_allocated() if DEVICE == "cuda" else 0
            began = time.perf_counter()
            float(loss_of(model, batch))
            if DEVICE == "cuda":
                torch.cuda.synchronize()
            took.append(time.perf_counter() - began)
            for parameter in parameters:
                parameter.grad = None
        seconds = statistics.median(took[1:])
        kept = torch.cuda.max_memory_allocated() - before if DEVICE == "cuda" else 0
        found = {"what": name, "tokens": tokens, "recomputed": recomputed, "seconds": round(seconds, 4)}
        found |= {
            "tokens_per_second": round(tokens / seconds),
            "bytes_a_token_and_layer": kept // tokens // len(layers),
        }
        print(json.dumps(found), flush=True)


def drawn(tokens: int, vocabulary: int) -> dict[str, Any]:
    """Return samples of 100 to 1,000 tokens, laid end to end, so many tokens together."""
    dice = random.Random(0)  # noqa: S311 - not for secrets
    lengths: list[int] = []
    while (left := tokens - sum(lengths)) > 0:
        lengths.append(min(left, dice.randint(100, 1000)))
    rows = [[dice.randrange(5, vocabulary) for _ in range(length)] for length in lengths]
    return pack([{"input_ids": row, "labels": row} for row in rows])


def loss_of(model: Any, batch: dict[str, Any]) -> torch.Tensor:
    """Return the loss of a batch after its backward pass."""
    bounds = model.get_base_model().config._attn_implementation == VARLEN  # noqa: SLF001 - no public name
    moved = {key: value.to(DEVICE) if torch.is_tensor(value) else value for key, value in batch.items()}
    with torch.autocast(DEVICE, dtype=torch.bfloat16):
        inputs = unpack(moved, range(len(batch["lengths"])), bounds=bounds)
        outputs = model(**inputs, use_cache=False, fused_lm_head=True)
        loss: torch.Tensor = -outputs.log_probs.sum() / sum(batch["lengths"])
    loss.backward()
    return loss.detach()


def measure(model: Any, vocabulary: int) -> dict[str, Any]:
    """Return the figures of `STEPS` optimizer steps, after one that warms up."""
    dice = random.Random(0)  # noqa: S311 - not for secrets
    batches = []
    for _ in range(STEPS):
        rows = [[dice.randrange(5, vocabulary) for _ in range(dice.randint(100, 1000))] for _ in range(SAMPLES)]
        batches.append(pack([{"input_ids": row, "labels": row} for row in rows]))
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-4)
    gc.collect()
    if DEVICE == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()

    def step(batch: dict[str, Any]) -> float:
        loss = loss_of(model, batch)
        optimizer.step()
        optimizer.zero_grad()
        return float(loss)  # waits for the device

    step(batches[0])
    began = time.perf_counter()
    for batch in batches:
        loss = step(batch)
    seconds = time.perf_counter() - began
    tokens = sum(sum(batch["lengths"]) for batch in batches)
    peak = round(torch.cuda.max_memory_allocated() / 1e9, 1) if DEVICE == "cuda" else None
    return {"tokens_per_second": round(tokens / seconds), "peak_gb": peak, "last_loss": round(loss, 4)}


if __name__ == "__main__":
    main()
