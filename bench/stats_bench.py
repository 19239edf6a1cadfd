"""The statistics at size: 1,225 pairs x 100,000 tasks, and everything about 1,770 pairs x 100 tasks.

Usage: python bench/stats_bench.py [--runs N]. Prints JSON. Each case runs in its own process on simulated 1-5 scores;
its first call, which pays for memory and caches, is given beside the median of all. Matrix products run on one thread:
two are a third faster on an idle machine and many times slower on a busy one, where they wait for each other.
"""

import argparse
import datetime as dt
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np
import scipy

from harness.stats import compare_family, rank_sets
from harness.stats.arrays import tail_probability
from harness.stats.pairs import all_pairs, pair_intervals, pair_moments
from harness.stats.signflip import score_grid
from harness.types import LIKERT_5


def board(models: int, tasks: int) -> np.ndarray:
    """Return correlated scores 1-5 of models whose strength rises a little."""
    rng = np.random.default_rng(0)
    latent = rng.normal(size=tasks) + rng.normal(np.linspace(-0.5, 0.5, models)[:, None], 1, (models, tasks))
    return np.clip(np.rint(3.5 + latent), 1, 5)


def paired_t() -> Callable[[], object]:
    """Return the paired-t interval of all 1,225 pairs of 50 models on 100,000 tasks, the grid found on the way."""
    scores, pairs = board(50, 100_000), all_pairs(50)
    return lambda: pair_intervals(pair_moments(scores, pairs, score_grid(scores)), tail_probability(0.95), 4)


def ranks() -> Callable[[], object]:
    """Return the rank sets of the same 50 models."""
    scores = board(50, 100_000)
    return lambda: rank_sets(scores, LIKERT_5)


def whole_board() -> Callable[[], object]:
    """Return all 1,770 comparisons of 60 models on 100 tasks: exact mid-p, Holm, both intervals, rank sets."""
    scores = board(60, 100)
    return lambda: (compare_family(scores, LIKERT_5, family="all-pairs"), rank_sets(scores, LIKERT_5))


CASES = {
    "1225 pairs x 100000 tasks, paired t and interval": paired_t,
    "1225 pairs x 100000 tasks, rank sets": ranks,
    "1770 pairs x 100 tasks, exact p, Holm, intervals, rank sets": whole_board,
}


def measure(case: str, runs: int) -> dict[str, float]:
    """Return the seconds of the first and the median call of a case, and the peak memory of this process in MB."""
    call = CASES[case]()
    times = []
    for _ in range(runs):
        began = time.perf_counter()
        call()
        times.append(time.perf_counter() - began)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "first_seconds": round(times[0], 3),
        "median_seconds": round(statistics.median(times), 3),
        "peak_mb": round(peak),
    }


def import_seconds() -> float:
    """Return the median time in which a new Python imports the statistics, the bare interpreter taken off."""
    medians = []
    for code in ("import harness.stats", "pass"):
        times = []
        for _ in range(7):
            began = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], check=True)
            times.append(time.perf_counter() - began)
        medians.append(statistics.median(times))
    return round(medians[0] - medians[1], 3)


def main() -> None:
    """Run every case in a process of its own and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5, help="calls per case")
    parser.add_argument("--case", choices=CASES, help="measure one case in this process")
    arguments = parser.parse_args()
    if arguments.case:
        print(json.dumps(measure(arguments.case, arguments.runs)))
        return
    figures: dict[str, object] = {
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "import_seconds": import_seconds(),
    }
    one_thread = os.environ | {"OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    for case in CASES:
        command = [sys.executable, __file__, "--case", case, "--runs", str(arguments.runs)]
        figures[case] = json.loads(
            subprocess.run(command, check=True, capture_output=True, text=True, env=one_thread).stdout
        )
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
