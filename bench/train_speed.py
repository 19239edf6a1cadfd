"""Speed and memory of training on a GPU: the recipes against a notebook's trl, on the llm-jp-3-13b shape.

    python bench/train_speed.py [--shape 13b|tiny] [--samples 256] [--only NAME…] [--apart]
    torchrun --nproc-per-node 2 bench/train_speed.py --only fast --out two.json

Builds a model folder with random weights and a tokenizer of numbered words, then trains on samples of 100–1,000 tokens:
with trl as a notebook uses it (batch 2 × 4, checkpointing), and with the recipes through `harness train`. Tokens a
second are the samples' own tokens, padding not counted, over the time from the first step's beginning to the last
step's end. ``curves`` trains a fixed set of 32 samples for three epochs, the notebook's way with three seeds and ours,
and compares the losses step by step. Writes JSON to $OUT/train_speed.json or ``--out``.
"""

import argparse
import gc
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import Any

import torch
import transformers
import trl
from datasets import Dataset
from gpu_generate import SHAPES, build_model
from peft import LoraConfig
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig, TrainerCallback
from trl import SFTConfig, SFTTrainer

from harness.cli.train import train
from trainers.adapter.training_record import read_log, read_record

PROJECTIONS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
LONG = ["max_length=1024", "save_steps=100000", "logging_steps=4", "warmup_steps=0"]
RUNS: dict[str, tuple[str, list[str], list[str]]] = {  # name: recipe, --set, further arguments
    "course-unsloth": ("course-unsloth", LONG, []),
    "course-unsloth, 24 GB": ("course-unsloth", LONG, ["--memory", "22"]),
    "course-unsloth, 16 GB": ("course-unsloth", LONG, ["--memory", "14.6"]),
    "course-unsloth, not dequantized": ("course-unsloth", [*LONG, "dequantize=false"], []),
    "course-unsloth, all recomputing": ("course-unsloth", [*LONG, "gradient_checkpointing=true"], []),
    "course-unsloth, no dropout": ("course-unsloth", [*LONG, "lora_dropout=0"], []),
    "article": ("article", LONG, []),
    "course-plain": ("course-plain", LONG, []),
    "fast": ("fast", LONG, []),
    "fast, not compiled": ("fast", [*LONG, "torch_compile=false"], []),
}


def main() -> None:
    """Run what was asked for and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", choices=sorted(SHAPES), default="13b")
    parser.add_argument("--samples", type=int, default=256)
    parser.add_argument("--baseline-samples", type=int, default=64)
    parser.add_argument("--only", nargs="*", default=["baseline", "curves", *RUNS])
    parser.add_argument("--folder", default=os.path.join(tempfile.gettempdir(), "train_speed"))  # noqa: PTH118 - a default
    parser.add_argument("--apart", action="store_true", help="each in a process of its own, whose memory is its own")
    parser.add_argument("--out", default=os.path.join(os.environ.get("OUT", "."), "train_speed.json"))  # noqa: PTH118
    options = parser.parse_args()
    folder = Path(options.folder)
    first = os.environ.get("RANK", "0") == "0"
    base = folder / "base"
    if first and not (base / "tokenizer.json").exists():
        build_model(base, options.shape)
        free()
    out: dict[str, Any] = {
        "date": time.strftime("%Y-%m-%d"),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else platform.machine(),
        "processes": int(os.environ.get("WORLD_SIZE", "1")),
        "versions": {m.__name__: m.__version__ for m in (torch, transformers, trl)},
        "runs": {},
    }
    dice = random.Random(0)  # noqa: S311
    lengths = [dice.randint(100, 1000) for _ in range(options.samples)]
    for name in options.only:
        began = time.time()
        try:
            if name == "baseline":
                result = notebook(base, lengths[: options.baseline_samples])
            elif name == "curves":
                result = curves(base, folder)
            elif options.apart:
                result = apart(name, options)
            else:
                result = ours(base, folder, name, lengths)
        except Exception as error:  # one that fails must not take the others' figures along
            traceback.print_exc()
            if "WORLD_SIZE" in os.environ:  # the others would wait for this process for ever
                raise
            result = {"failed": repr(error)[:300]}
        if not first:
            continue
        out["runs"][name] = result | {"whole_s": round(time.time() - began, 1)}
        print(name, out["runs"][name], flush=True)
        Path(options.out).write_text(json.dumps(out, indent=1), encoding="utf-8")
        free()


def apart(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """Run one recipe in a new process: nothing that an earlier one left counts among its memory."""
    out = Path(options.folder) / "apart.json"
    given = ["--shape", options.shape, "--samples", str(options.samples), "--folder", options.folder]
    subprocess.run([sys.executable, __file__, *given, "--only", name, "--out", str(out)], check=True)
    result: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))["runs"][name]
    return result


def free() -> None:
    """Give the GPU's memory back and begin to count anew."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def words(length: int, dice: random.Random) -> str:
    """Return a text of as many tokens."""
    return " ".join(f"t{dice.randrange(10, 9000)}" for _ in range(length))


def data_file(folder: Path, lengths: list[int], name: str) -> Path:
    """Write samples in Ichikara's format: a fifth of each is the instruction."""
    dice = random.Random(1)  # noqa: S311
    rows = []
    for number, length in enumerate(lengths):
        asked = max(4, length // 5)
        rows.append({"ID": number, "text": words(asked, dice), "output": words(max(4, length - asked - 8), dice)})
    own = folder / os.environ.get("RANK", "0")  # for each process: one may still be writing
    own.mkdir(parents=True, exist_ok=True)
    path = own / f"{name}.json"
    path.write_text(json.dumps(rows), encoding="utf-8")
    return path


class Losses(TrainerCallback):
    """Collects the loss of every step."""

    def __init__(self) -> None:
        self.values: list[float] = []

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        """Keep one."""
        if logs and "loss" in logs:
            self.values.append(float(logs["loss"]))


def notebook(base: Path, lengths: list[int], ids: list[list[int]] | None = None, **changes: Any) -> dict[str, Any]:
    """Train as a notebook does: trl as it comes, batch 2 × 4, checkpointing."""
    free()
    nf4 = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16)
    model = AutoModelForCausalLM.from_pretrained(
        base, dtype=torch.bfloat16, device_map={"": 0}, attn_implementation="sdpa", quantization_config=nf4
    )
    dice = random.Random(2)  # noqa: S311
    ids = ids or [[dice.randrange(10, 9000) for _ in range(length)] for length in lengths]
    options = {
        "output_dir": tempfile.mkdtemp(),
        "per_device_train_batch_size": 2,
        "gradient_accumulation_steps": 4,
        "num_train_epochs": 1,
        "max_length": 1024,
        "bf16": True,
        "learning_rate": 2e-4,
        "logging_steps": 10,
        "report_to": [],
        "save_strategy": "no",
        "gradient_checkpointing": True,
        "optim": "paged_adamw_8bit",
        "disable_tqdm": True,
    } | changes
    losses = Losses()
    trainer = SFTTrainer(
        model=model,
        args=SFTConfig(**options),
        train_dataset=Dataset.from_list([{"input_ids": row} for row in ids]),
        processing_class=AutoTokenizer.from_pretrained(base),
        peft_config=LoraConfig(
            r=16, lora_alpha=32, lora_dropout=0.05, target_modules=PROJECTIONS, task_type="CAUSAL_LM"
        ),
        callbacks=[losses],
    )
    torch.cuda.reset_peak_memory_stats()
    began = time.time()
    trainer.train()
    torch.cuda.synchronize()
    seconds = time.time() - began
    tokens = sum(len(row) for row in ids) * options["num_train_epochs"]
    return {
        "tokens_per_second": round(tokens / seconds),
        "peak_gb": round(torch.cuda.max_memory_allocated() / 1e9, 1),
        "seconds": round(seconds, 2),
        "losses": losses.values,
    }


def ours(base: Path, folder: Path, name: str, lengths: list[int]) -> dict[str, Any]:
    """Train with a recipe through the command line's own function."""
    recipe, changes, further = RUNS[name]
    return run_ours(base, folder, recipe, changes, further, data_file(folder, lengths, "data"))


def run_ours(
    base: Path, folder: Path, recipe: str, changes: list[str], further: list[str], data: Path
) -> dict[str, Any]:
    """Run `harness train` in this process and read what it logged."""
    free()
    output = Path(tempfile.mkdtemp(dir=folder)) / "adapter" if os.environ.get("RANK", "0") == "0" else folder / "none"
    if "WORLD_SIZE" in os.environ:
        output = folder / f"adapter-{os.environ['TORCHELASTIC_RUN_ID']}-{recipe}-{len(changes)}"
    sets = [part for change in changes for part in ("--set", change)]
    arguments = ["--recipe", recipe, "--data", str(data), "--base", str(base), "--output", str(output)]
    train.main([*arguments, *sets, *further], standalone_mode=False)
    if os.environ.get("RANK", "0") != "0":
        return {}
    rows = [row for row in read_log(output) if "loss" in row]
    record = read_record(output)
    assert record is not None
    assert record.outcome is not None
    return {
        "tokens_per_second": round(rows[-1]["tokens"] / rows[-1]["seconds"]),
        "after_first_step": round(
            (rows[-1]["tokens"] - rows[0]["tokens"]) / (rows[-1]["seconds"] - rows[0]["seconds"])
        ),
        "peak_gb": round(torch.cuda.max_memory_allocated() / 1e9, 1),
        "planned_gib": record.outcome.planned_gib,
        "peak_gib": record.outcome.peak_gib,
        "cut": str(record.sessions[-1].cut),
        "seconds": rows[-1]["seconds"],
        "steps": record.outcome.steps,
        "losses": [row["loss"] for row in rows],
    }


def curves(base: Path, folder: Path) -> dict[str, Any]:
    """Compare the losses on one small set, step by step: ours with those of three seeds of the notebook."""
    dice = random.Random(3)  # noqa: S311
    lengths = [dice.randint(100, 400) for _ in range(32)]
    data = data_file(folder, lengths, "curves")
    tokenizer = AutoTokenizer.from_pretrained(base)
    rows = json.loads(data.read_text(encoding="utf-8"))
    ids = [
        [1, *tokenizer(f"### 指示\n{row['text']}\n### 回答\n{row['output']}", add_special_tokens=False)["input_ids"], 2]
        for row in rows
    ]
    theirs = [
        notebook(base, [], ids, num_train_epochs=3, logging_steps=1, seed=seed, lr_scheduler_type="linear")["losses"]
        for seed in (1, 2, 3)
    ]
    changes = [
        "num_train_epochs=3",
        "logging_steps=1",
        "warmup_steps=0",
        "lora_r=16",
        "lora_alpha=32",
        "max_length=1024",
    ]
    mine = run_ours(base, folder, "course-unsloth", changes, [], data)["losses"]
    spread = [max(values) - min(values) for values in zip(*theirs, strict=True)]
    middle = [statistics.mean(values) for values in zip(*theirs, strict=True)]
    return {
        "notebook": theirs,
        "ours": mine,
        "largest_spread_of_seeds": round(max(spread), 4),
        "largest_difference": round(max(abs(a - b) for a, b in zip(mine, middle, strict=True)), 4),
        "epoch_means": {
            "notebook": [[round(statistics.mean(row[i : i + 4]), 4) for i in (0, 4, 8)] for row in theirs],
            "ours": [round(statistics.mean(mine[i : i + 4]), 4) for i in (0, 4, 8)],
        },
    }


if __name__ == "__main__":
    main()
