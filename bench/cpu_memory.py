"""Memory planned and taken by trainings on a CPU: SFT and preference tuning of the embedded model, one step each.

    python bench/cpu_memory.py FOLDER [--pairs 8] [--samples 17]

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
    """Print a line for each objective."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--samples", type=int, default=17)
    parser.add_argument("--pairs", type=int, default=8)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    for objective, recipe, batch in (("sft", "cpu-demo", options.samples), ("dpo", "dpo", options.pairs)):
        data, output = options.folder / f"{objective}.json", options.folder / objective
        data.write_text(json.dumps(rows(objective), ensure_ascii=False), encoding="utf-8")
        changes = {"max_steps": 1, "heldout": 0, "per_device_train_batch_size": batch, "gradient_accumulation_steps": 1}
        settings = [part for key, value in changes.items() for part in ("--set", f"{key}={value}")]
        harness = Path(sys.executable).with_name("harness")
        command = [harness, "train", "--recipe", recipe, *settings, "--data", data, "--output", output]
        subprocess.run([*command, "--base", "embedded:gemma-3-270m"], check=True, capture_output=True)
        record = json.loads((output / "training.json").read_text(encoding="utf-8"))
        planned, taken = record["outcome"]["planned_gib"], record["outcome"]["peak_gib"]
        cut = record["sessions"][-1]["cut"]
        print(
            f"{objective}: {cut['tokens']} tokens at once, planned {planned} GiB, taken {taken} ({planned / taken:.2f})"
        )


if __name__ == "__main__":
    main()
