"""Whether preference tuning tells pairs apart that it did not learn: the embedded model, in minutes on a CPU.

    python bench/dpo_margin.py FOLDER

The better answer is the demo's own, the worse one that of the next question: no judge can be wrong about which is
which. 60 pairs are learnt in 5 steps, 12 are held out. FOLDER/dpo is the adapter, for `harness eval` to compare.
"""

import json
import subprocess
import sys
import time
from importlib.resources import files
from pathlib import Path

PAIRS, HELD_OUT = 72, 12
CHANGES = {
    "heldout": HELD_OUT,
    "eval_steps": 0,
    "learning_rate": 2e-4,
    "warmup_steps": 0,
    "per_device_train_batch_size": 12,
    "gradient_accumulation_steps": 1,
    "logging_steps": 1,
    "max_length": 128,
}


def main() -> None:
    """Train, and print margin and accuracy on the held-out pairs before and after."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    rows = json.loads((files("trainers") / "demo_pairs.json").read_text(encoding="utf-8"))[:PAIRS]
    pairs = [
        {"prompt": row["text"], "chosen": row["output"], "rejected": other["output"]}
        for row, other in zip(rows, [*rows[1:], rows[0]], strict=True)
    ]
    (folder / "pairs.json").write_text(json.dumps(pairs, ensure_ascii=False), encoding="utf-8")
    settings = [part for key, value in CHANGES.items() for part in ("--set", f"{key}={value}")]
    command = [
        str(Path(sys.executable).with_name("harness")),
        "train",
        "--recipe",
        "dpo",
        "--data",
        "pairs.json",
        *settings,
    ]
    began = time.monotonic()
    subprocess.run([*command, "--base", "embedded:gemma-3-270m", "--output", "dpo"], cwd=folder, check=True)
    outcome = json.loads((folder / "dpo" / "training.json").read_text(encoding="utf-8"))["outcome"]
    before, after = outcome["heldout_margin_before"], outcome["heldout_margin"]
    print(f"{time.monotonic() - began:.0f} s; margin of held-out pairs {before:.2f} to {after:.2f} nats,", end=" ")
    print(f"{outcome['heldout_accuracy']:.0%} the right way round")


if __name__ == "__main__":
    main()
