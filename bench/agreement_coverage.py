"""Coverage of the kappa and length-slope intervals on real scores: tasks drawn with replacement from a set of 100.

    python bench/agreement_coverage.py ../shared/data/shaberi [REPLICATES]

The 100 tasks stand for the population: each replicate takes models and judges at random, draws tasks, and asks whether
the interval holds what all 100 tasks give for these models.
"""

import sys
from pathlib import Path

import numpy as np
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from harness.stats.correlation import length_slope
from harness.stats.design import Design
from harness.stats.jackknife import jackknife_kappa

MODELS, TASKS = (2, 12), (20, 40, 100)


def scores_of(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return scores (judges, models, tasks) and lengths (models, tasks)."""
    table = pa_csv.read_csv(folder / "scores.csv").to_pydict()
    models, judges = sorted(set(table["model"])), sorted(set(table["judge"]))
    scores = np.full((len(judges), len(models), 100), np.nan)
    for model, judge, task, score in zip(table["model"], table["judge"], table["task_id"], table["score"], strict=True):
        if score is not None and 1 <= score <= 5:
            scores[judges.index(judge), models.index(model), int(task)] = score
    lengths = np.full((len(models), 100), np.nan)
    answers = pq.read_table(folder / "answers.parquet").to_pydict()
    for model, task, answer in zip(answers["model"], answers["task_id"], answers["answer"], strict=True):
        if model in models and answer is not None:
            lengths[models.index(model), int(task)] = len(answer)
    return scores, lengths


def coverage(folder: Path, replicates: int) -> None:
    """Print the coverage of both intervals for each number of models and tasks."""
    scores, lengths = scores_of(folder)
    rng = np.random.default_rng(0)
    for n_models in MODELS:
        for n in TASKS:
            kappas, slopes = [], []
            for _ in range(replicates):
                rows = rng.choice(scores.shape[1], n_models, replace=False)
                first, second = rng.choice(scores.shape[0], 2, replace=False)
                drawn = rng.integers(0, 100, n)
                clusters = np.repeat(np.arange(n)[None], n_models, axis=0)
                one, two = scores[first][rows], scores[second][rows]
                truth = jackknife_kappa(one.ravel(), two.ravel()).value
                found = jackknife_kappa(
                    one[:, drawn].ravel(), two[:, drawn].ravel(), Design(clusters=clusters.ravel().tolist())
                )
                if truth is not None and found.low is not None and found.high is not None:
                    kappas.append(found.low <= truth <= found.high)
                slope = length_slope(one[..., None], lengths[rows][..., None]).value
                said = length_slope(one[:, drawn, None], lengths[rows][:, drawn, None])
                if slope is not None and said.low is not None and said.high is not None:
                    slopes.append(said.low <= slope <= said.high)
            sys.stdout.write(
                f"{n_models} models x {n} tasks: kappa {np.mean(kappas):.3f} ({len(kappas)}), "
                f"slope {np.mean(slopes):.3f} ({len(slopes)})\n"
            )
            sys.stdout.flush()


if __name__ == "__main__":
    coverage(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 2000)
