"""Start-up, a 10,000-sample run and the 60-model board: whole processes, wall and CPU time and peak memory.

Usage: python bench/harness_speed.py [--shared ../shared] [--out FILE]. Prints JSON. Needs the harness installed in the
Python that runs it; the 60-model board is left out where the shared data is absent.
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

HARNESS = str(Path(sys.executable).parent / "harness")
N_SAMPLES = 10_000
HELP_RUNS = 21


def run(arguments: list[str], folder: Path) -> dict[str, float]:
    """Run one command to its end and return its wall and CPU seconds and its peak memory in MB."""
    began = time.perf_counter()
    process = subprocess.Popen([HARNESS, *arguments], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stderr is not None
    said = process.stderr.read().decode()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    code = os.waitstatus_to_exitcode(status)
    if code not in {0, 3}:
        sys.exit(f"harness {' '.join(arguments)} ended with {code}:\n{said}")
    cpu = usage.ru_utime + usage.ru_stime  # what a busy machine changes least
    return {"seconds": round(seconds, 2), "cpu_seconds": round(cpu, 2), "peak_mb": round(usage.ru_maxrss / 1024)}


def help_seconds(folder: Path) -> dict[str, float]:
    """Return the median time of `harness --help`."""
    run(["--help"], folder)  # warms the file cache
    times = []
    for _ in range(HELP_RUNS):
        began = time.perf_counter()
        subprocess.run([HARNESS, "--help"], cwd=folder, stdout=subprocess.DEVNULL, check=True)
        times.append(time.perf_counter() - began)
    return {"median_seconds": round(statistics.median(times), 3), "runs": HELP_RUNS}


def many_samples(folder: Path) -> dict[str, dict[str, float]]:
    """Return the figures of 10,000 samples through echo and rules, first and again."""
    rows = (
        {
            "input": f"次の数を漢数字で書き、その理由を一文で説明してください: {number}",
            "rules": [{"type": "must_include", "any": [str(number)]}],
        }
        for number in range(N_SAMPLES)
    )
    (folder / "many.jsonl").write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    command = ["eval", "--task", "many=many.jsonl", "--model", "echo", "--judge", "rules"]
    return {"first": run(command, folder), "cached": run(command, folder)}


def board(folder: Path, data: Path) -> dict[str, dict[str, float]]:
    """Return the figures of 60 models under six judges, first and again."""
    command = ["eval", "--task", f"elyza-tasks-100={data}/elyza-tasks-100/test.jsonl"]
    command += ["--model", f"outputs:{data}/shaberi/answers.parquet", "--judge", f"human:{data}/shaberi/scores.csv"]
    command += ["--judge", "reference", "--judge", "rules"]
    return {"first": run(command, folder), "cached": run(command, folder)}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=Path(__file__).resolve().parents[1].parent / "shared")
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        figures: dict[str, object] = {
            "date": dt.datetime.now(dt.UTC).date().isoformat(),
            "machine": f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}",
            "python": platform.python_version(),
            "load_before": os.getloadavg()[0],
            "help": help_seconds(folder),
            f"{N_SAMPLES}_samples_echo_rules": many_samples(folder),
        }
        data = chosen.shared.resolve() / "data"
        if data.is_dir():
            figures["60_models_6_judges"] = board(folder, data)
    text = json.dumps(figures, indent=1)
    print(text)
    if chosen.out:
        chosen.out.write_text(text + "\n")


if __name__ == "__main__":
    main()
