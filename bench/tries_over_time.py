"""How often some of many equal adapters is called "better", tried one after the other, and how gains are found.

    [TASKS=N] python bench/tries_over_time.py [REPLICATES [DESIGN …]]

Each try is judged when its run is finished, as a run of the product is, and its verdict is never taken back. Its own
sign-flip p-value is corrected under three rules: not at all; by what the tries before it left of the error, counted on
joint sign flips, as the product does (`harness.stats.spending`); and by the same spending without that count, as if
tries had nothing in common (Bonferroni). Scores of 1-5 on 100 tasks; designs go by how much a try differs from the
baseline on single tasks.
"""

import json
import os
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from functools import partial
from statistics import NormalDist

import numpy as np

from harness.stats.design import Design
from harness.stats.spending import allowances, own_p_values, part_of_try

MID = (0.12, 0.18, 0.22, 0.26, 0.22)
CUTS = np.array([NormalDist().inv_cdf(float(share)) for share in np.cumsum(MID)[:-1]])
TASKS, TRIES, DRAWS = int(os.environ.get("TASKS", "100")), 100, 999
FIRST = (1, 2, 3, 5, 10, 20, 30, 60, 100)


def latent_scores(latent: float, rng: np.random.Generator) -> np.ndarray:
    """Return scores (1 + tries, tasks) of equal models with that correlation before they are cut into levels."""
    shared = rng.normal(size=(1, TASKS))
    z = np.sqrt(latent) * shared + np.sqrt(1 - latent) * rng.normal(size=(TRIES + 1, TASKS))
    return 1.0 + np.searchsorted(CUTS, z)


def shared_answers(rng: np.random.Generator) -> np.ndarray:
    """Return scores (1 + tries, tasks) of adapters that answer three tasks of four as the baseline does."""
    drawn = rng.choice(np.arange(1.0, 6.0), (TRIES + 1, TASKS), p=MID)
    return np.where(rng.random((TRIES + 1, TASKS)) < 0.75, drawn[:1], drawn)


def independent(rng: np.random.Generator) -> np.ndarray:
    """Return scores off any grid whose differences to the baseline have nothing in common: the worst there can be."""
    scores = 0.83 * rng.normal(size=(TRIES + 1, TASKS))
    scores[0] = 0
    return scores


DESIGNS: dict[str, Callable[[np.random.Generator], np.ndarray]] = {
    "alike": partial(latent_scores, 0.85),
    "shared": shared_answers,
    "unrelated": partial(latent_scores, 0.625),
    "siblings": partial(latent_scores, 0.40),
    "independent": independent,
}
RULES = ("none", "spending", "Bonferroni")
PLACES = range(1, TRIES + 1)


def one(design: str, seed: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Return whether each try is "better" at its own finish without a gain, and tries with +0.40, by rule; and the SD.

    A try's own scores have no say in what it may spend, so that the gain of one try changes no other's part.
    """
    rng = np.random.default_rng(seed)
    scores = DESIGNS[design](rng)
    differences = scores[1:] - scores[:1]
    gained = (differences + (rng.random(differences.shape) < 0.40))[np.array(FIRST) - 1]
    better, alone = (table.sum(axis=1) > 0 for table in (differences, gained))
    own, up = (own_p_values(table) for table in (differences, gained))
    parts = 0.05 / 2 / np.maximum(allowances(differences, Design(draws=DRAWS)), 1e-12)
    times = {"none": np.ones(TRIES), "spending": parts, "Bonferroni": np.array([1 / part_of_try(k) for k in PLACES])}
    called = np.array([better & (own * factor <= 0.05) for factor in times.values()])
    found = np.array([alone & (up * factor[np.array(FIRST) - 1] <= 0.05) for factor in times.values()])
    return called, found, float(differences.std(axis=1, ddof=1).mean())


def main(replicates: int, designs: list[str]) -> None:
    """Print, for each design and rule, how often some try is "better" among the first k, and what try k finds."""
    with ProcessPoolExecutor(int(os.environ.get("PROCESSES", "0")) or None) as pool:
        for design in designs:
            rows = list(pool.map(partial(one, design), range(replicates), chunksize=8))
            for place, rule in enumerate(RULES):
                called, found = (np.array([row[part][place] for row in rows]) for part in (0, 1))
                said = {
                    "date": datetime.now(UTC).date().isoformat(),
                    "design": design,
                    "tasks": TASKS,
                    "sd of differences": round(float(np.mean([row[2] for row in rows])), 2),
                    "corrected for": rule,
                    "some better": {k: round(float(called[:, :k].any(axis=1).mean()), 3) for k in FIRST},
                    "power of +0.40": {k: round(float(found[:, i].mean()), 3) for i, k in enumerate(FIRST)},
                    "replicates": replicates,
                }
                sys.stdout.write(json.dumps(said) + "\n")
                sys.stdout.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000, sys.argv[2:] or list(DESIGNS))
