"""How often some of many equal adapters is called "better", tried one after the other, and how gains are found.

    python bench/tries_over_time.py [REPLICATES [DESIGN …]]

Each try is judged when its run is finished, over what was tried before it, as a run of the product is. Its p-value
(max-T over the tries so far) is compared under three rules: as it is; with ten tries to come (as the product did for a
while); and at the share of the error that its number may spend, as `harness.stats.tries.spending_share` has it. Scores
of 1-5 on 100 tasks; designs go by how much a try differs from the baseline on single tasks.
"""

import json
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from functools import partial
from statistics import NormalDist

import numpy as np

from harness.stats.tries import spending_share

MID = (0.12, 0.18, 0.22, 0.26, 0.22)
CUTS = np.array([NormalDist().inv_cdf(float(share)) for share in np.cumsum(MID)[:-1]])
TASKS, TRIES, DRAWS = 100, 100, 1999
FIRST = (1, 2, 3, 5, 10, 20, 30, 60, 100)
NEAR = 1.9  # a try whose own statistic is below this is significant under no rule


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
RULES: dict[str, Callable[[int], float]] = {
    "those before it": lambda _: 1.0,
    "ten to come": lambda k: (k + 10) / k,
    "spending": lambda k: 1 / spending_share(k),
}


def last_p(sizes: np.ndarray, flipped: np.ndarray) -> float:
    """Return the step-down p-value of the last try; ``flipped`` (tries, patterns)."""
    order, last = np.argsort(sizes, kind="stable"), len(sizes) - 1
    at = int(np.flatnonzero(order == last)[0])
    largest = flipped[order[: at + 1]].max(axis=0)
    reached = (largest >= sizes[last] - 1e-5).sum()
    for row in order[at + 1 :]:
        largest = np.maximum(largest, flipped[row])
        reached = max(reached, (largest >= sizes[row] - 1e-5).sum())
    return float((1 + reached) / (1 + DRAWS))


def one(design: str, seed: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Return p at each try's own finish without a gain (1 where it is not better), p of +0.40 at tries, and the SD."""
    rng = np.random.default_rng(seed)
    scores = DESIGNS[design](rng)
    differences = scores[1:] - scores[:1]
    gained = differences + (rng.random(differences.shape) < 0.40)
    signs = rng.choice(np.array([-1, 1], np.float32), (TASKS, DRAWS))

    def statistic(table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        root = np.sqrt((table**2).sum(axis=1))
        return table.sum(axis=1) / root, np.abs((table / root[:, None]).astype(np.float32) @ signs)

    (t, flips), (t_up, flips_up) = statistic(differences), statistic(gained)
    own, power = np.ones(TRIES), np.ones(len(FIRST))
    for k in np.flatnonzero(t > NEAR):
        own[k] = last_p(np.abs(t[: k + 1]), flips[: k + 1])
    for place, k in enumerate(np.array(FIRST) - 1):
        if t_up[k] > NEAR:
            power[place] = last_p(np.abs(np.r_[t[:k], t_up[k]]), np.vstack([flips[:k], flips_up[k : k + 1]]))
    return own, power, float(differences.std(axis=1, ddof=1).mean())


def main(replicates: int, designs: list[str]) -> None:
    """Print, for each design and rule, how often some try is "better" among the first k, and what try k finds."""
    with ProcessPoolExecutor() as pool:
        for design in designs:
            rows = list(pool.map(partial(one, design), range(replicates), chunksize=8))
            own, power = (np.array([row[place] for row in rows]) for place in (0, 1))
            for rule, times in RULES.items():
                factor = np.array([1.0, *(times(k) for k in range(2, TRIES + 1))])  # the first stands alone
                called, found = own * factor <= 0.05, power * factor[np.array(FIRST) - 1] <= 0.05
                said = {
                    "date": datetime.now(UTC).date().isoformat(),
                    "design": design,
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
