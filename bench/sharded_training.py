"""Two processes that share a base's weights, on cards that do not hold it, beside two that each hold it whole.

The cases of ``python bench/gpu_scale.py shard``, which builds the base and says what a card is played to be. Each
prints a line of JSON for each process: of the first what was planned, taken and learnt, of the other what it took.
"""

import argparse
import json
import os
from collections.abc import Callable

import torch

LONG = ["max_length=1024", "save_steps=100000", "logging_steps=1", "warmup_steps=0", "lora_dropout=0"]
CASES: dict[str, tuple[list[str], float | None]] = {  # --set beside LONG, card in GiB
    "dense, whole": (["quantization=none", "shard=false"], None),
    "dense, shared": (["quantization=none"], 24.0),
    "nf4, whole": (["quantization=nf4", "shard=false"], None),
    "nf4, shared": (["quantization=nf4"], 10.5),
    "dense, shared, roomy": (
        ["quantization=none", "shard=true"],
        None,
    ),  # the plan of whole weights: what sharing costs
    "nf4, shared, roomy": (["quantization=nf4", "shard=true"], None),
    "nf4, shared, dequantized": (["quantization=nf4", "dequantize=true"], 24.0),
    "dense, shared, compiled": (["quantization=none", "torch_compile=true"], 24.0),
}
STANDING = list(CASES)[:4]


def compare(options: argparse.Namespace, child: Callable[..., None]) -> None:
    """Train by each case on two GPUs; ``child`` runs one in processes of its own."""
    for name in options.only or STANDING:
        card = CASES[name][1]
        given = ["--case", name, "--samples", str(min(options.samples, 64)), "--plan", "course-unsloth"]
        child(options, "_shard", *given, *([] if card is None else ["--cap", str(card)]), processes=2)


def train(options: argparse.Namespace) -> None:
    """Train by one case and print what came of it."""
    from train_speed import data_file, run_ours  # noqa: PLC0415 - imports trl's trainer

    changes, card = CASES[options.case]
    if not torch.cuda.is_available() and card is not None:
        changes = [*changes, "shard=true"]  # no card is played, and the base fits
    data = data_file(options.folder, [100 + (index * 389) % 901 for index in range(options.samples)], "data")
    found = run_ours(options.folder / "base", options.folder, options.plan, [*LONG, *changes], [], data)
    taken = torch.cuda.max_memory_allocated() if torch.cuda.is_available() else 0
    held = torch.cuda.max_memory_reserved() if torch.cuda.is_available() else 0
    told = {
        "case": options.case,
        "card_gib": card,
        "rank": int(os.environ.get("RANK", "0")),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else "none",
        "taken_gib": round(taken / 2**30, 2),
        "reserved_gib": round(held / 2**30, 2),
    }
    print(json.dumps(told | found), flush=True)
