"""The loss head of a CPU beside trl's: seconds a step and memory, on a layer of the embedded model's width.

Usage: cpu_head.py [--vocabulary 262144] [--tokens 976] [--learnt 0.5] [--dtype bfloat16]
"""

import argparse
import time
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM
from trl.trainer.utils import add_fused_lm_head

from trainers.encoding import IGNORED
from trainers.training.loss_head import add_loss_head

STATUS = Path("/proc/self/status")


def _resident(field: str) -> float:
    """Return resident memory in GiB: now (VmRSS) or at most since the last reset (VmHWM)."""
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith(field))
    return int(line.split()[1]) / 2**20


def _model(vocabulary: int, dtype: torch.dtype, *, ours: bool) -> Any:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=640,
        intermediate_size=2048,
        num_hidden_layers=1,
        num_attention_heads=4,
        num_key_value_heads=1,
        head_dim=256,
        tie_word_embeddings=True,
    )
    model = LlamaForCausalLM(config).to(dtype).requires_grad_(False)
    if ours:
        add_loss_head(model, "cpu")
    else:
        add_fused_lm_head(model)
    return get_peft_model(model, LoraConfig(r=16, target_modules="all-linear"))


def _step(model: Any, ids: torch.Tensor, learnt: int) -> tuple[float, torch.Tensor]:
    labels = ids.clone()
    labels[:, : ids.shape[1] - learnt] = IGNORED
    begun = time.perf_counter()
    outputs = model(input_ids=ids, labels=labels, use_cache=False, fused_lm_head=True)
    loss = -outputs.log_probs.sum() / learnt
    loss.backward()
    model.zero_grad(set_to_none=True)
    return time.perf_counter() - begun, loss.detach()


def main() -> None:
    """Print a line for each head."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--vocabulary", type=int, default=262_144)
    parser.add_argument("--tokens", type=int, default=976)
    parser.add_argument("--learnt", type=float, default=0.5, help="share of the tokens that are learnt")
    parser.add_argument("--dtype", choices=["bfloat16", "float32"], default="bfloat16")
    asked = parser.parse_args()
    ids = torch.randint(0, asked.vocabulary, (1, asked.tokens), generator=torch.Generator().manual_seed(1))
    learnt = int(asked.tokens * asked.learnt)
    for name, ours in (("here", True), ("trl", False)):
        model = _model(asked.vocabulary, getattr(torch, asked.dtype), ours=ours)
        _step(model, ids[:, :8], 8)
        Path("/proc/self/clear_refs").write_text("5")
        before = _resident("VmHWM")
        taken = [_step(model, ids, learnt) for _ in range(3)]
        seconds = sorted(second for second, _ in taken)
        memory = _resident("VmHWM") - before
        print(f"{name}: {seconds[1]:.2f} s a step, {memory:.3f} GiB more, loss {taken[0][1].item():.4f}")


if __name__ == "__main__":
    main()
