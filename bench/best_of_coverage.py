"""What choosing the best of several on the tasks that judge them does, and what is left of it: bias, error, coverage.

    python bench/best_of_coverage.py [REPLICATES]

Candidates have true values from -SPREAD to 0 in equal steps; a task's difficulty is common to them (correlation), the
rest is noise, and scores have a standard deviation of 1. The truth is the true value of the one that is chosen. Each
line has the mean error of the naive mean and of the cross-fitted one with 2, 3 and 5 folds, in brackets the root of its
mean square; how often the interval missed on either side, its width against that of one candidate alone, and how often
the usual interval of the cross-fitted scores would have held.
"""

import sys
from itertools import product

import numpy as np

from harness.stats.arrays import t_critical
from harness.stats.best_of import best_of

FOLDS = (2, 3, 5)


def drawn(m: int, n: int, rho: float, truth: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return scores of ``m`` candidates on ``n`` tasks."""
    shared, own = rng.normal(size=(1, n)), rng.normal(size=(m, n))
    return np.sqrt(rho) * shared + np.sqrt(1 - rho) * own + truth[:, None]


def usual_interval_holds(scores: np.ndarray, true: float, rng: np.random.Generator) -> bool:
    """Return whether the t interval of scores that were each chosen by the other nine tenths holds the truth."""
    n = scores.shape[1]
    fold = rng.permutation(n) % 10
    kept = np.empty(n)
    for one in range(10):
        kept[fold == one] = scores[scores[:, fold != one].mean(axis=1).argmax(), fold == one]
    return bool(abs(kept.mean() - true) <= t_critical(n - 1, 0.05) * kept.std(ddof=1) / np.sqrt(n))


def main() -> None:
    """Print a line for each number of candidates and tasks, correlation and spread."""
    replicates = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    rng = np.random.default_rng(20261126)
    for m, n, rho, spread in product((2, 5, 20), (20, 50, 100), (0.0, 0.7), (0.0, 0.3, 1.0)):
        truth = np.linspace(-spread, 0, m)
        errors: dict[str, list[float]] = {"naive": [], **{f"{folds} folds": [] for folds in FOLDS}}
        low = high = usual = 0
        width = []
        for _ in range(replicates):
            scores = drawn(m, n, rho, truth, rng)
            found = {folds: best_of(scores, folds=folds) for folds in FOLDS}
            best = found[3]
            true = truth[best.place]
            errors["naive"].append(best.naive - true)
            for folds, one in found.items():
                errors[f"{folds} folds"].append(one.honest.value - true)
            low, high = low + (true < best.honest.low), high + (true > best.honest.high)
            usual += usual_interval_holds(scores, true, rng)
            alone = 2 * t_critical(n - 1, 0.05) * scores[best.place].std(ddof=1) / np.sqrt(n)
            width.append((best.honest.high - best.honest.low) / alone)
        print(
            f"{m:2} candidates, {n:3} tasks, correlation {rho}, spread {spread}: "
            + ", ".join(
                f"{name} {np.mean(each):+.3f} ({np.sqrt(np.mean(np.square(each))):.3f})"
                for name, each in errors.items()
            )
            + f"; missed below {low / replicates:.3f}, above {high / replicates:.3f}, width {np.mean(width):.2f}; "
            f"usual interval {usual / replicates:.3f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
