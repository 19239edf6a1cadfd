"""The same small job through this harness and through inspect_ai, as whole processes, one after the other.

The job: N samples with an echoing (mock) model and an exact-match check; and `--help`. Usage, from an environment that
has the harness installed, with inspect_ai in one of its own (its pins differ from ours):

    python -m venv /tmp/inspect && /tmp/inspect/bin/pip install inspect-ai
    python bench/against_inspect_ai.py --inspect-python /tmp/inspect/bin/python [--samples 5000]
"""

import argparse
import datetime as dt
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# The answers carry their usage, so that inspect_ai need not fetch a tokenizer to count tokens.
TASK = """
import sys
from inspect_ai import Task, eval
from inspect_ai.dataset import Sample
from inspect_ai.model import ModelOutput, ModelUsage, get_model
from inspect_ai.scorer import exact
n = int(sys.argv[1])
answers = [ModelOutput.from_content("mockllm/model", "x") for _ in range(n)]
for answer in answers:
    answer.usage = ModelUsage(input_tokens=8, output_tokens=1, total_tokens=9)
samples = [Sample(input=f"1 + {i} = ?", target="x") for i in range(n)]
model = get_model("mockllm/model", custom_outputs=answers)
[log] = eval(Task(dataset=samples, scorer=exact()), model=model, display="none", log_dir=sys.argv[2])
assert log.status == "success", log.error
"""


def seconds(command: list[str], folder: Path) -> float:
    """Run one command to its end and return its wall time in seconds."""
    began = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - began


def main() -> None:
    """Measure both and print JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inspect-python", required=True, help="the Python that has inspect_ai")
    parser.add_argument("--samples", type=int, default=5000)
    chosen = parser.parse_args()
    ours = str(Path(sys.executable).parent / "harness")
    theirs = str(Path(chosen.inspect_python).parent / "inspect")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "task.py").write_text(TASK)
        rows = (
            {"input": f"1 + {n} = ?", "rules": [{"type": "must_include", "any": [str(n)]}]}
            for n in range(chosen.samples)
        )
        (folder / "sums.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        command = [ours, "eval", "--task", "sums=sums.jsonl", "--model", "echo", "--judge", "rules"]
        figures = {
            "date": dt.datetime.now(dt.UTC).date().isoformat(),
            "machine": f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}",
            "load_before": round(os.getloadavg()[0], 2),
            "samples": chosen.samples,
            "harness_seconds": round(seconds(command, folder), 2),
            "inspect_ai_seconds": round(
                seconds([chosen.inspect_python, "task.py", str(chosen.samples), str(folder / "logs")], folder), 2
            ),
            "harness_help_seconds": round(statistics.median(seconds([ours, "--help"], folder) for _ in range(9)), 3),
            "inspect_help_seconds": round(statistics.median(seconds([theirs, "--help"], folder) for _ in range(9)), 3),
        }
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
