"""Speed and memory of training steps on the bare model: what dropout, recomputing and compiling cost.

    python bench/bare_training.py [--shape 13b|tiny]

Steps of 8 samples (100–1,000 tokens each, laid end to end) through a base with random weights in bfloat16 and a LoRA
adapter of rank 16 on the seven projections, without the trainer around it. Prints tokens a second and peak memory.
"""

import argparse
import gc
import json
import random
import time
from typing import Any

import torch
from gpu_generate import SHAPES
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, LlamaConfig
from trl.trainer.utils import add_fused_lm_head

from trainers.training.attention import VARLEN, choose_attention, use_attention
from trainers.training.batches import pack, unpack
from trainers.training.model import layers_of, recompute

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
PROJECTIONS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
STEPS, SAMPLES = 4, 8


def main() -> None:
    """Measure each setting, the compiled one last: it cannot be undone."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", choices=sorted(SHAPES), default="13b")
    config = LlamaConfig(**SHAPES[parser.parse_args().shape])
    with torch.device(DEVICE):
        base = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)
    use_attention(base, choose_attention(config, DEVICE, torch.bfloat16))
    layers = config.num_hidden_layers
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
            for layer in layers_of(model):
                layer.compile(dynamic=True)
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
    bounds = model.get_base_model().config._attn_implementation == VARLEN  # noqa: SLF001 - no public name

    def step(batch: dict[str, Any]) -> float:
        moved = {key: value.to(DEVICE) if torch.is_tensor(value) else value for key, value in batch.items()}
        with torch.autocast(DEVICE, dtype=torch.bfloat16):
            outputs = model(**unpack(moved, range(SAMPLES), bounds=bounds), use_cache=False, fused_lm_head=True)
            loss = -outputs.log_probs.sum() / sum(batch["lengths"])
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return float(loss.detach())  # waits for the device

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
