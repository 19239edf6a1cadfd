"""Runs the commands of docs/story.md on the real embedded model, and prints what they print, with the figures as JSON.

    python bench/story.py FOLDER

The commands are read from the page, so that there is one list of them; FOLDER is where they run, empty at first. What
the page shows is of these commands, on the day and machine that it names.
"""

import json
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
import time
from importlib.resources import files
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "story.md"


def commands(text: str) -> list[str]:
    """Return the commands of a page, each in one line."""
    blocks = re.findall(r"^```console\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    joined = [block.replace("\\\n", " ") for block in blocks]
    return [" ".join(line[2:].split()) for block in joined for line in block.splitlines() if line.startswith("$ ")]


def written(text: str, folder: Path) -> None:
    """Write the files that a page shows."""
    for name, body in re.findall(r"<!-- file: (\S+) -->\n```\w*\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
        (folder / name).write_text(body, encoding="utf-8")


def main() -> None:
    """Run every command and print its time; at the end the figures."""
    folder, text = Path(sys.argv[1]), PAGE.read_text(encoding="utf-8")
    folder.mkdir(parents=True, exist_ok=True)
    written(text, folder)
    shutil.copy(str(files("trainers") / "demo_pairs.json"), folder / "prompts.json")
    for command in commands(text):
        print(f"$ {command}", flush=True)
        began = time.monotonic()
        words = [str(Path(sys.executable).with_name("harness")), *shlex.split(command)[1:]]
        done = subprocess.run(
            words, cwd=folder, env={**os.environ, "HARNESS_LANG": "en"}, capture_output=True, text=True, check=False
        )
        print(done.stdout + done.stderr)
        print(f"# exit {done.returncode}, {time.monotonic() - began:.0f} s\n", flush=True)
        if done.returncode:
            sys.exit(done.returncode)
    print(json.dumps(figures(folder), ensure_ascii=False, indent=1))


def figures(folder: Path) -> dict[str, object]:
    """Return what the page quotes."""
    found: dict[str, object] = {
        "date": time.strftime("%Y-%m-%d"),
        "machine": platform.platform(),
        "cores": os.cpu_count(),
    }
    for name in ("sft", "dpo"):
        found[name] = json.loads((folder / name / "training.json").read_text(encoding="utf-8"))["outcome"]
    for path in sorted((folder / "runs").glob("*/results.json")):
        results = json.loads(path.read_text(encoding="utf-8"))
        rows = {row["model"]: [row["mean"], row["low"], row["high"], row["n"]] for row in results["rows"]}
        compared = [
            [one["candidate"]["model"], one["baseline"]["model"], one["difference"], one["simultaneous_low"],
             one["simultaneous_high"], one["p_ledger"], one["verdict"]]
            for one in results["comparisons"]
        ]  # fmt: skip
        found[path.parent.name] = {"rows": rows, "comparisons": compared, "ledger": results["ledger"]}
    return found


if __name__ == "__main__":
    main()
