"""Preference tuning on a GPU: `harness train --recipe dpo` against a plain trl DPOTrainer, on the llm-jp-3-13b shape.

    python bench/dpo_speed.py [--shape 13b|tiny] [--pairs 64] [--baseline-pairs 32] [--cap 22.2]

Both learn pairs of answers of 100 to 1,000 tokens with their prompt, 16 pairs a step, on an nf4 base whose adapter
switched off is the reference. trl trains as its documentation has it for QLoRA: batch 2 × 8, checkpointing, the
reference anew in every step; here the reference is computed once, and that time is counted. Tokens are those of both
answers with their prompts, padding not counted. With ``--cap`` both get that many GiB of the card.
"""

import argparse
import json
import random
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from gpu_generate import SHAPES, build_model
from peft import LoraConfig
from train_speed import LONG, PROJECTIONS, free, run_ours, words
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig
from trl import DPOConfig, DPOTrainer

from trainers.training.preference import PreferenceTrainer

GIB = 1 << 30


class PlainTrainer(DPOTrainer):  # type: ignore[misc]  # trl is untyped
    """trl's trainer as it comes, but for token ids that are there already."""

    def _prepare_dataset(self, dataset: Any, *_: Any) -> Any:
        return dataset


def _pairs(count: int) -> list[dict[str, str]]:
    dice = random.Random(1)  # noqa: S311
    made = []
    for index in range(count):
        asked = 20 + (index * 97) % 180
        answers = [words(80 + (index * step) % 700, dice) for step in (389, 211)]
        made.append({"instruction": words(asked, dice), "chosen": answers[0], "rejected": answers[1]})
    return made


def _tokens(pair: dict[str, str]) -> int:
    return sum(len(pair["instruction"].split()) + len(pair[name].split()) for name in ("chosen", "rejected"))


def theirs(base: Path, pairs: list[dict[str, str]]) -> dict[str, Any]:
    """Train with trl and return its speed and memory."""
    free()
    nf4 = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16)
    model = AutoModelForCausalLM.from_pretrained(
        base, dtype=torch.bfloat16, device_map={"": 0}, attn_implementation="sdpa", quantization_config=nf4
    )
    tokenizer = AutoTokenizer.from_pretrained(base)

    def ids(text: str) -> list[int]:
        return list(tokenizer(text, add_special_tokens=False)["input_ids"])

    rows = [
        {
            "prompt_ids": ids(pair["instruction"]),
            "chosen_ids": ids(pair["chosen"]),
            "rejected_ids": ids(pair["rejected"]),
        }
        for pair in pairs
    ]
    trainer = PlainTrainer(
        model=model,
        args=DPOConfig(
            output_dir=tempfile.mkdtemp(),
            per_device_train_batch_size=2,
            gradient_accumulation_steps=8,
            num_train_epochs=1,
            max_length=1024,
            bf16=True,
            learning_rate=5e-6,
            beta=0.1,
            logging_steps=1,
            report_to=[],
            save_strategy="no",
            gradient_checkpointing=True,
            optim="paged_adamw_8bit",
            disable_tqdm=True,
        ),
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
        peft_config=LoraConfig(
            r=16, lora_alpha=32, lora_dropout=0.0, target_modules=PROJECTIONS, task_type="CAUSAL_LM"
        ),
    )
    torch.cuda.reset_peak_memory_stats()
    began = time.time()
    trainer.train()
    torch.cuda.synchronize()
    seconds = time.time() - began
    return {
        "tokens_per_second": round(sum(_tokens(pair) for pair in pairs) / seconds),
        "peak_gib": round(torch.cuda.max_memory_allocated() / GIB, 2),
        "losses": [row["loss"] for row in trainer.state.log_history if "loss" in row],
    }


def ours(base: Path, folder: Path, pairs: list[dict[str, str]], further: list[str]) -> dict[str, Any]:
    """Train with the recipe and return its speed, with the seconds for the reference counted."""
    spent = []
    start = PreferenceTrainer.start_from_here

    def timed(self: Any) -> None:
        began = time.time()
        start(self)
        torch.cuda.synchronize()
        spent.append(time.time() - began)

    PreferenceTrainer.start_from_here = timed  # type: ignore[method-assign]
    data = folder / "pairs.json"
    data.write_text(json.dumps(pairs), encoding="utf-8")
    found = run_ours(
        base,
        folder,
        "dpo",
        [*(one for one in LONG if "logging" not in one), "heldout=0", "logging_steps=1"],
        further,
        data,
    )
    tokens = found["tokens_per_second"] * found["seconds"]
    return found | {
        "reference_seconds": round(spent[0], 1),
        "with_the_reference": round(tokens / (found["seconds"] + spent[0])),
    }


def main() -> None:
    """Print a line of figures for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", choices=sorted(SHAPES), default="13b")
    parser.add_argument("--pairs", type=int, default=64)
    parser.add_argument("--baseline-pairs", type=int, default=32)
    parser.add_argument("--cap", type=float, help="GiB of the card that may be used")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "gpu_scale")
    options = parser.parse_args()
    base = options.folder / "base"
    if not (base / "tokenizer.json").exists():
        build_model(base, options.shape)
        free()
    further = []
    if options.cap:
        card = torch.cuda.get_device_properties(0).total_memory
        torch.cuda.set_per_process_memory_fraction(options.cap * GIB / card)
        further = ["--memory", str(options.cap)]
    print(f"# {torch.cuda.get_device_name()}, {options.shape}, cap {options.cap}", flush=True)
    try:
        print("trl: ", theirs(base, _pairs(options.baseline_pairs)), flush=True)
    except torch.OutOfMemoryError as error:
        print("trl: out of memory:", str(error)[:120], flush=True)
    print("here:", ours(base, options.folder, _pairs(options.pairs), further), flush=True)


if __name__ == "__main__":
    main()
