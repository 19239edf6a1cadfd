"""`harness eval` as it is typed, by the clock: one engine or number of GPUs a call, on a job that is made up.

    python bench/eval_command.py --folder /tmp/vg --adapters 19 --new-tokens 512 --engine hf
    python bench/eval_command.py --folder /tmp/vg --adapters 19 --new-tokens 512 --engine vllm --gpus 2

The llm-jp-3-13b shape with random weights, LoRA adapters and prompts as in `vllm_generate.py` (which has to have built
them); one rule judges each answer. Everything is counted: Python's start, imports, opening, the certificate of an
engine (``certificates``: those kept before, and new ones), loading, answering, judging and the report. Prints one line
of JSON, which it also appends to ``eval_command.jsonl`` in $OUT or the current folder; ``first`` and ``last`` are the
seconds after which the store held the first answer and all of them.
"""

import argparse
import contextlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from gpu_generate import SHAPES, prompts

from harness.installation import cache_folder

UNSCORED = 3  # exit code


def main() -> None:
    """Run the command and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True, help="where vllm_generate.py built the models")
    parser.add_argument("--shape", choices=SHAPES, default="13b")
    parser.add_argument("--adapters", type=int, default=4)
    parser.add_argument("--rows", type=int, default=100)
    parser.add_argument("--new-tokens", type=int, default=512)
    parser.add_argument("--engine", choices=["hf", "vllm", "auto"], required=True)
    parser.add_argument("--gpus", help="as harness eval takes it")
    parser.add_argument("--quantization", choices=["nf4", "none"], default="nf4")
    options = parser.parse_args()
    place = Path(tempfile.mkdtemp(prefix="eval_command."))
    found = {name: value for name, value in vars(options).items() if name not in ("folder", "shape")}
    certificates = kept()
    began = time.time()
    watched = run(command(options, place), place, options.rows * (1 + options.adapters), began)
    found |= {
        "whole_s": round(time.time() - began, 1),
        **watched,
        "certificates": [certificates, kept() - certificates],
    }
    found |= counted(place / "work.db")
    line = json.dumps(found, ensure_ascii=False)
    print(line, flush=True)
    with (Path(os.environ.get("OUT", ".")) / "eval_command.jsonl").open("a", encoding="utf-8") as out:
        out.write(f"{line}\n")
    shutil.rmtree(place)


def command(options: argparse.Namespace, place: Path) -> list[str]:
    """Write the tasks and the template, and return the command."""
    asked = prompts(options.rows, SHAPES[options.shape]["vocab_size"], options.new_tokens)
    rows = [{"input": one.rendered.messages[0].content, "checks": [{"max_chars": 100_000}]} for one in asked]
    (place / "tasks.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    (place / "raw.v1.j2").write_text("{{ input }}", encoding="utf-8")
    models = [("--model", "base")]
    models += [("--model", f"adapter:{options.folder.resolve()}/adapter-{index}") for index in range(options.adapters)]
    return [
        *(sys.executable, "-c", "import sys; from harness.cli.main import main; sys.exit(main())", "eval"),
        *("--task", "made=tasks.jsonl", "--prompt", "raw.v1.j2", "--judge", "rules"),
        *(part for model in models for part in model),
        *("--base", str(options.folder.resolve() / "llmjp"), "--quantization", options.quantization),
        *("--max-new-tokens", str(options.new_tokens), "--engine", options.engine),
        *(() if options.gpus is None else ("--gpus", options.gpus)),
        *("--store", "work.db", "--run", "measured"),
    ]


def run(typed: list[str], place: Path, rows: int, began: float) -> dict[str, Any]:
    """Run a command, look on into its store, and return when it held the first answer and all of them."""
    found: dict[str, Any] = {}
    with (place / "said.txt").open("wb") as said:
        process = subprocess.Popen(typed, cwd=place, stdout=said, stderr=subprocess.STDOUT)
        while process.poll() is None:
            time.sleep(0.5)
            there = answers(place / "work.db")
            if there and "first" not in found:
                found["first"] = round(time.time() - began, 1)
            if there == rows and "last" not in found:
                found["last"] = round(time.time() - began, 1)
    words = (place / "said.txt").read_text(encoding="utf-8", errors="replace")
    if process.returncode not in (0, UNSCORED):
        print(words[-3000:], file=sys.stderr)
    notes = [line for line in words.splitlines() if "engine" in line.lower() or "Comparing" in line]
    return {**found, "exit": process.returncode, "said": notes[:4]}


def asked_of(store: Path, question: str) -> tuple[Any, ...]:
    """Return the first row that a store gives, as long as it can be read."""
    address = f"file:{store}?mode=ro"
    with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(address, uri=True)) as rows:
        return tuple(rows.execute(question).fetchone())
    return (0, 0, 0)


def answers(store: Path) -> int:
    """Return how many answers a store holds."""
    return int(asked_of(store, "select count(*) from generation")[0])


def counted(store: Path) -> dict[str, Any]:
    """Return the tokens of all answers, and how many are none."""
    rows = asked_of(store, "select count(*), sum(tokens_out), sum(text is null) from generation")
    return dict(zip(("answers", "tokens", "none"), rows, strict=True))


def kept() -> int:
    """Return how many certificates the cache holds."""
    return sum(1 for _ in (cache_folder() / "parity").glob("*.json"))


if __name__ == "__main__":
    main()
