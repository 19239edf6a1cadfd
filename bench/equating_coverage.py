"""How well equating undoes a planted shift on the scores of 60 real models: bias and coverage of means, differences.

    python bench/equating_coverage.py SHABERI_SCORES.csv [REPLICATES]

A board of six models on 100 tasks drawn anew each time; the last row is scored by a version that gives 0.9 x + 0.3, in
four ways of rounding. Anchors are drawn in proportion from the others. The truth is the mean that the old version
gives over all tasks; the bias of each model is against what the old version gave on the same tasks.
"""

import csv
import sys
from pathlib import Path

import numpy as np

from harness.stats.arrays import t_critical
from harness.stats.design import Design
from harness.stats.equating import equate, jackknife_variance, with_equating
from harness.types import LIKERT_5, Scale

HALVES = Scale(low=1, high=5, step=0.5)


def read(path: Path, judge: str = "gpt-4-turbo-preview") -> np.ndarray:
    """Return the scores of one judge, shape (models, tasks)."""
    with path.open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["judge"] == judge]
    models = {name: place for place, name in enumerate(sorted({row["model"] for row in rows}))}
    scores = np.full((len(models), 100), np.nan)
    for row in rows:
        if row["score"] in {"1", "2", "3", "4", "5"}:
            scores[models[row["model"]], int(row["task_id"])] = float(row["score"])
    return scores


def planted(scores: np.ndarray, rng: np.random.Generator, kind: str) -> np.ndarray:
    """Return scores as the shifted version gives them."""
    moved = 0.9 * (scores + rng.uniform(-0.5, 0.5, scores.shape)) + 0.3
    if kind == "by chance":
        plain = 0.9 * scores + 0.3
        moved = np.floor(plain) + (rng.random(scores.shape) < plain - np.floor(plain))
    return np.clip(np.rint(moved * 2) / 2 if kind == "halves" else np.rint(moved), 1, 5)


def anchors(cells: np.ndarray, n: int, rng: np.random.Generator) -> list[tuple[int, int]]:
    """Return every so-manieth cell in the order of scores and rows."""
    order = sorted(map(tuple, np.argwhere(~np.isnan(cells)).tolist()), key=lambda at: (cells[at], at[0], rng.random()))
    return [order[int((place + 0.5) * len(order) / n)] for place in range(n)]


def main() -> None:
    """Print a line for each kind of rounding, method and number of anchors."""
    scores, replicates = read(Path(sys.argv[1])), int(sys.argv[2]) if len(sys.argv) > 2 else 3000
    rng = np.random.default_rng(20261126)
    for kind in ("rounded", "by chance", "halves"):
        for method in ("linear", "equipercentile"):
            for n in (60, 100):
                held, off = np.zeros(2), {}
                for _ in range(replicates):
                    models, tasks = rng.choice(len(scores), 6, replace=False), rng.integers(0, 100, 100)
                    board, truth = scores[models][:, tasks], np.nanmean(scores[models], axis=1)
                    given, at = planted(board[5], rng, kind), anchors(board[:5], n, rng)
                    old = np.array([board[one] for one in at])
                    scale = HALVES if kind == "halves" else LIKERT_5
                    design = Design(clusters=[one[1] for one in at])
                    made = equate(planted(old, rng, kind), old, scale, design, method=method)
                    equated, left_out = made.apply(given), made.apply_left_out(given)
                    off.setdefault(int(models[5]), []).append(np.nanmean(equated - board[5]))
                    pairs = ((equated, truth[5]), (equated - board[0], truth[5] - truth[0]))
                    for place, (values, true) in enumerate(pairs):
                        known = ~np.isnan(values)
                        se = values[known].std(ddof=1) / np.sqrt(known.sum())
                        more = jackknife_variance(left_out[:, known].mean(axis=1))
                        total, df = with_equating(se, known.sum() - 1, more, made.df)
                        held[place] += abs(values[known].mean() - true) <= t_critical(df, 0.05) * total
                bias = np.mean([one for each in off.values() for one in each])
                worst = max(abs(np.mean(each)) for each in off.values())
                print(
                    f"{kind:10} {method:15} {n:3} anchors: bias {bias:+.3f}, of a model at most {worst:.3f}; "
                    f"coverage mean {held[0] / replicates:.3f}, difference {held[1] / replicates:.3f}"
                )


if __name__ == "__main__":
    main()
