"""Memory planned and taken by trainings on a CPU: SFT and preference tuning of the embedded model, by tokens at once.

    python bench/cpu_memory.py FOLDER [--samples 17 25] [--pairs 8] [--steps 1] [--set gradient_checkpointing=true]

Each is a `harness train` of its own, so that neither holds what the other left; the figures are those of its
training.json: the plan with what the process held before, and the most that it held from then on.
"""

import argparse
import json
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any


def rows(objective: str) -> list[dict[str, Any]]:
    """Return the demo's pairs, for preference tuning with an answer turned round as the worse one."""
    pairs = json.loads((files("trainers") / "demo_pairs.json").read_text(encoding="utf-8"))[:40]
    if objective == "sft":
        return list(pairs)
    return [
        {"prompt": pair["text"], "chosen": pair["output"], "rejected": f"{pair['output'][::-1]}。"} for pair in pairs
    ]


def main() -> None:
    """Print a line for each objective and number of samples or pairs at once."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--samples", type=int, nargs="*", default=[10, 17, 25, 32, 40])
    parser.add_argument("--pairs", type=int, nargs="*", default=[4, 8, 11, 14])
    parser.add_argument("--steps", type=int, default=1)
    parser.add_argument("--set", nargs="*", default=[], help="further keys of the recipe, such as lora_r=8")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    jobs = [("sft", "cpu-demo", batch) for batch in options.samples] + [
        ("dpo", "dpo", batch) for batch in options.pairs
    ]
    for objective, recipe, batch in jobs:
        data, output = options.folder / f"{objective}.json", options.folder / f"{objective}-{batch}-{options.steps}"
        data.write_text(json.dumps(rows(objective), ensure_ascii=False), encoding="utf-8")
        changes = {"max_steps": options.steps, "heldout": 0, "per_device_train_batch_size": batch}
        changes |= {"gradient_accumulation_steps": 1} | dict(change.split("=", 1) for change in options.set)
        settings = [part for key, value in changes.items() for part in ("--set", f"{key}={value}")]
        harness = Path(sys.executable).with_name("harness")
        command = [harness, "train", "--recipe", recipe, *settings, "--data", data, "--output", output]
        subprocess.run([*command, "--base", "embedded:gemma-3-270m"], check=True, capture_output=True)
        record = json.loads((output / "training.json").read_text(encoding="utf-8"))
        planned, taken = record["outcome"]["planned_gib"], record["outcome"]["peak_gib"]
        cut, seconds = record["sessions"][-1]["cut"], record["outcome"]["seconds"]
        print(
            f"{objective}: {cut['tokens']} tokens at once, {cut['recomputed']} layers recomputing, "
            f"{options.steps} steps: planned {planned} GiB, taken {taken} ({planned / taken:.2f}), {seconds:.0f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
