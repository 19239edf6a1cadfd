"""How often some of many equal adapters is called "better", tried one after the other, and how gains are found.

    python bench/tries_over_time.py [REPLICATES]

Each try is judged when its run is finished, over what was tried before it, as a run of the product is; what stands
beside is the whole ledger, as ``harness history`` has it. Scores of 1-5 on 100 tasks; ``unrelated`` models have
correlation .6 with the baseline and each other, ``alike`` ones a latent correlation of .85, ``shared`` ones give the
baseline's answer on three tasks of four. Needs numpy alone.
"""

import json
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from functools import partial
from statistics import NormalDist

import numpy as np

MID = (0.12, 0.18, 0.22, 0.26, 0.22)
CUTS = np.array([NormalDist().inv_cdf(float(share)) for share in np.cumsum(MID)[:-1]])
TASKS, TRIES, DRAWS = 100, 100, 999
FIRST = (1, 2, 5, 10, 30, 100)
COME = (0, 5, 10, 15)  # tries to come that each verdict is corrected for


def latent_scores(latent: float, rng: np.random.Generator) -> np.ndarray:
    """Return scores (1 + tries, tasks) of equal models with that correlation before they are cut into levels."""
    shared = rng.normal(size=(1, TASKS))
    z = np.sqrt(latent) * shared + np.sqrt(1 - latent) * rng.normal(size=(TRIES + 1, TASKS))
    return 1.0 + np.searchsorted(CUTS, z)


def shared_answers(rng: np.random.Generator) -> np.ndarray:
    """Return scores (1 + tries, tasks) of adapters that answer three tasks of four as the baseline does."""
    drawn = rng.choice(np.arange(1.0, 6.0), (TRIES + 1, TASKS), p=MID)
    return np.where(rng.random((TRIES + 1, TASKS)) < 0.75, drawn[:1], drawn)


DESIGNS: dict[str, Callable[[np.random.Generator], np.ndarray]] = {
    "unrelated": partial(latent_scores, 0.625),
    "alike": partial(latent_scores, 0.85),
    "shared": shared_answers,
}


def own_p(sizes: np.ndarray, flipped: np.ndarray, order: np.ndarray, last: int) -> float:
    """Return the step-down p-value of try ``last`` among the tries of ``order``, from the least extreme up."""
    at = int(np.flatnonzero(order == last)[0])
    largest = np.maximum.accumulate(flipped[order], axis=0)[at:]
    reached = (largest >= (sizes[order][at:, None] - 1e-9)).sum(axis=1)
    return float(((1 + reached) / (1 + flipped.shape[1])).max())


def one(design: str, seed: int) -> dict[str, list[float]]:
    """Return one replicate: p at each try's own finish without a gain, of a gain at try k, and in the whole ledger."""
    rng = np.random.default_rng(seed)
    scores = DESIGNS[design](rng)
    differences = scores[1:] - scores[:1]
    gained = differences + (rng.random(differences.shape) < 0.40)
    signs = rng.choice([-1.0, 1.0], (TASKS, DRAWS))

    def statistic(table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        root = np.sqrt((table**2).sum(axis=1))
        return table.sum(axis=1) / root, np.abs(table @ signs) / root[:, None]

    (t, flips), (t_up, flips_up) = statistic(differences), statistic(gained)
    found, power = [], []
    for k in range(TRIES):
        sizes = np.abs(t[: k + 1])
        found.append(own_p(sizes, flips[: k + 1], np.argsort(sizes, kind="stable"), k))
        if k + 1 in FIRST:
            sizes = np.abs(np.r_[t[:k], t_up[k]])
            both = np.vstack([flips[:k], flips_up[k : k + 1]])
            power.append(own_p(sizes, both, np.argsort(sizes, kind="stable"), k) if t_up[k] > 0 else 1.0)
    whole = []
    for k in FIRST:
        sizes = np.abs(t[:k])
        best = int(np.argmax(t[:k]))
        whole.append(own_p(sizes, flips[:k], np.argsort(sizes, kind="stable"), best) if t[best] > 0 else 1.0)
    sd = float(differences.std(axis=1, ddof=1).mean())
    return {"own": found, "sign": np.sign(t).tolist(), "power": power, "whole": whole, "sd": [sd]}


def main(replicates: int) -> None:
    """Print, for each design, how often some try is "better" among the first k, and the power of +0.40 at try k."""
    with ProcessPoolExecutor() as pool:
        for design in DESIGNS:
            rows = list(pool.map(partial(one, design), range(replicates), chunksize=8))
            own, sign, power, whole, sd = (
                np.array([row[name] for row in rows]) for name in ("own", "sign", "power", "whole", "sd")
            )
            for ahead in COME:
                tries = np.arange(1, TRIES + 1)
                times = np.where(tries == 1, 1, (tries + ahead) / tries)  # the first stands alone
                called = (own * times <= 0.05) & (sign > 0)
                found = power * times[np.array(FIRST) - 1] <= 0.05
                said = {
                    "date": datetime.now(UTC).date().isoformat(),
                    "design": design,
                    "sd of differences": round(float(sd.mean()), 2),
                    "tries to come": ahead,
                    "some better": {k: round(float(called[:, :k].any(axis=1).mean()), 3) for k in FIRST},
                    "whole ledger": {k: round(float((whole[:, i] <= 0.05).mean()), 3) for i, k in enumerate(FIRST)},
                    "power of +0.40": {k: round(float(found[:, i].mean()), 3) for i, k in enumerate(FIRST)},
                    "replicates": replicates,
                }
                sys.stdout.write(json.dumps(said) + "\n")
                sys.stdout.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
